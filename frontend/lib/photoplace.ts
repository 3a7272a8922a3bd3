// The place where a photo was taken: the GPS directory of its Exif data (Exif 3.0 §4.6.6), GPS properties of its XMP packets
// (ISO 16684-1), and the box `©xyz` of a film behind it, as phones write it. The place is taken out within the file's own octets: nothing
// moves, and the picture isn't encoded again. JPEG, PNG, WebP, TIFF, HEIC and AVIF have the same Exif and XMP data in different
// containers, and may have more than one picture, so we look for the data and don't read the containers. Only PNG has checksums.

/** Octets of the largest photo that is looked at: more can't be sent by mail. */
const largest = 64 << 20;
/** Headers of a kind that are read, directories of each, and their entries. */
const [mostHeaders, mostDirectories, mostEntries] = [100, 16, 500];
/** Octets of a value and of an XMP packet. */
const [longestValue, longestPacket] = [4096, 4 << 20];

const gpsPointer = 0x8825;
/** Tags of a latitude and a longitude. Without them, the directory has only its version or the time. */
const coordinates: readonly number[] = [2, 4];
/** Octets of a value by its type (TIFF 6.0 §2); 13 is a pointer to a directory. */
const sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

const first =
  /^(?:\xff\xd8\xff|\x89PNG\r\n|RIFF[\s\S]{4}WEBP|II\*\0|MM\0\*|[\s\S]{4}ftyp(?:hei|hev|mif1|msf1|avi[fs]))/;

/** Where octets were changed: begin and end. */
type Range = readonly [number, number];

const octetsOf = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
/** A character for each octet; those above 0x7f are other ones. */
const textOf = (octets: Uint8Array) => new TextDecoder("latin1").decode(octets);

/** Positions of a text in octets. */
function positions(octets: Uint8Array, text: string): number[] {
  const sought = octetsOf(text);
  const found: number[] = [];
  for (let at = octets.indexOf(sought[0]!); at !== -1; at = octets.indexOf(sought[0]!, at + 1))
    if (sought.every((octet, index) => octets[at + index] === octet) && found.push(at) === mostHeaders) break;
  return found;
}

/** A photo as it is changed. */
class Photo {
  readonly ranges: Range[] = [];
  /** Whether it had coordinates. */
  placed = false;
  private readonly view: DataView;

  constructor(private readonly octets: Uint8Array<ArrayBuffer>) {
    this.view = new DataView(octets.buffer);
    for (const [order, little] of [
      ["II*\0", true],
      ["MM\0*", false],
    ] as const)
      for (const at of positions(octets, order)) this.exif(at, little);
    for (const at of positions(octets, "<rdf:RDF")) this.xmp(at);
    for (const at of positions(octets, "\xa9xyz")) this.film(at);
    if (octets[0] === 0x89) this.checksums();
  }

  private change(begin: number, end: number, value?: Uint8Array): void {
    this.octets.fill(0, begin, end);
    if (value !== undefined) this.octets.set(value, begin);
    this.ranges.push([begin, end]);
  }

  /** Take the pointers to GPS directories out of a header's directories, and empty what they point to. */
  private exif(header: number, little: boolean): void {
    const { view, octets } = this;
    /** Entries of a directory, or null if the octets aren't one. */
    const entries = (at: number): number[] | null => {
      if (at < header + 8 || at + 2 > octets.length) return null;
      const count = view.getUint16(at, little);
      if (count === 0 || count > mostEntries || at + 2 + 12 * count > octets.length) return null;
      const found = Array.from({ length: count }, (_, index) => at + 2 + 12 * index);
      return found.every((entry) => (sizes[view.getUint16(entry + 2, little)] ?? 0) > 0) ? found : null;
    };
    const pointer = (at: number) => (at + 4 > octets.length ? 0 : header + view.getUint32(at, little));
    let at = pointer(header + 4);
    for (let number = 0; number < mostDirectories; number++) {
      const found = entries(at);
      if (found === null) return;
      const next = pointer(at + 2 + 12 * found.length);
      const gps = found.find((entry) => view.getUint16(entry, little) === gpsPointer);
      if (gps !== undefined) {
        const values = entries(pointer(gps + 8));
        this.placed ||= values?.some((entry) => coordinates.includes(view.getUint16(entry, little))) ?? false;
        for (const entry of values ?? []) {
          const length = sizes[view.getUint16(entry + 2, little)]! * view.getUint32(entry + 4, little);
          const begin = pointer(entry + 8);
          if (length > 4 && length <= longestValue) this.change(begin, Math.min(begin + length, octets.length));
        }
        if (values !== null) this.change(values[0]! - 2, values.at(-1)! + 12);
        this.drop(at, found.length, gps, little);
      }
      at = next;
    }
  }

  /** Take an entry out of a directory: what follows moves up, with the pointer to the next directory. */
  private drop(at: number, count: number, entry: number, little: boolean): void {
    const end = Math.min(at + 2 + 12 * count + 4, this.octets.length);
    const rest = this.octets.slice(entry + 12, end);
    this.change(entry, end, rest);
    this.view.setUint16(at, count - 1, little);
    this.ranges.push([at, at + 2]);
  }

  /** Put blanks in the place of GPS properties of an XMP packet: attributes, and elements with all in them. */
  private xmp(at: number): void {
    const text = textOf(this.octets.subarray(at, at + longestPacket));
    const end = text.indexOf("</rdf:RDF");
    if (end === -1) return;
    const property =
      /\s[\w.-]{1,40}:gps\w{0,40}\s?=\s?(?:"[^"]*"|'[^']*')|<([\w.-]{1,40}:gps\w{0,40})(?=[\s>/])[^<>]*>/gi;
    property.lastIndex = 0;
    for (let found = property.exec(text); found !== null && found.index < end; found = property.exec(text)) {
      const [words, name] = found;
      let close = found.index + words.length;
      if (name !== undefined && !words.endsWith("/>")) {
        const last = text.indexOf(`</${name}`, close);
        if (last === -1) return;
        close = text.indexOf(">", last) + 1;
      }
      property.lastIndex = close;
      this.placed ||= /gps(?:dest)?(?:lat|lon)/i.test(words);
      this.change(at + found.index, at + close, octetsOf(" ".repeat(close - found.index)));
    }
  }

  /** Make a box `©xyz` one that has nothing, which players skip (ISO 14496-12 §8.1.2). */
  private film(at: number): void {
    const size = at < 4 ? 0 : this.view.getUint32(at - 4);
    if (size < 12 || size > 200 || !/^[+-]\d\d/.test(textOf(this.octets.subarray(at + 8, at + 11)))) return;
    this.placed = true;
    this.change(at, Math.min(at - 4 + size, this.octets.length), octetsOf("free"));
  }

  /** Write the checksums of changed chunks anew (PNG §5.3). */
  private checksums(): void {
    const { view, octets, ranges } = this;
    for (let at = 8; at + 12 <= octets.length; ) {
      const end = at + 8 + view.getUint32(at);
      if (end + 4 > octets.length) return;
      if (ranges.some(([begin]) => begin >= at + 8 && begin < end)) {
        view.setUint32(end, checksum(octets.subarray(at + 4, end)));
        ranges.push([end, end + 4]);
      }
      at = end + 4;
    }
  }
}

function checksum(octets: Uint8Array): number {
  let value = -1;
  for (const octet of octets) {
    value ^= octet;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

/** The photo without the place where it was taken; null if it doesn't tell it, or isn't a photo. */
export async function withoutPlace(file: File): Promise<File | null> {
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  if (file.size > largest || !first.test(String.fromCharCode(...head))) return null;
  const octets = new Uint8Array(await file.arrayBuffer());
  const { placed, ranges } = new Photo(octets);
  if (!placed) return null;
  const pieces: BlobPart[] = [];
  let at = 0;
  // ranges of one photo may share octets
  for (const [begin, end] of ranges.sort((one, other) => one[0] - other[0])) {
    if (end <= at) continue;
    pieces.push(file.slice(at, Math.max(at, begin)), octets.slice(Math.max(at, begin), end));
    at = end;
  }
  return new File([...pieces, file.slice(at)], file.name, { type: file.type, lastModified: file.lastModified });
}
