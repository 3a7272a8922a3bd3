// The words of other languages for times (WEBMAIL-96, WEBMAIL-125, WEBMAIL-143): a text becomes the English one that `times` reads.

interface Vocabulary {
  /** Words, or words in a row with "_" between, without accents, with the English for them. */
  readonly words: Readonly<Record<string, string>>;
  /** The words before a duration, as in "in 3 hours". */
  readonly ahead: readonly string[];
  /** What stands after the hour of a clock, and, in some languages, after a number of hours, too. */
  readonly clock: readonly string[];
  /** The words between both ends of a range, without accents. */
  readonly until: readonly string[];
}

const vocabularies: Readonly<Record<string, Vocabulary>> = {
  de: {
    words: {
      morgen_frueh: "tomorrow morning",
      morgen_fruh: "tomorrow morning",
      heute_nacht: "tonight",
      in_der_frueh: "morning",
      ubermorgen: "overmorrow",
      uebermorgen: "overmorrow",
      morgen: "tomorrow",
      heute: "today",
      fruh: "morning",
      vormittag: "morning",
      mittag: "noon",
      nachmittag: "afternoon",
      abend: "evening",
      nacht: "night",
      mitternacht: "midnight",
      morgens: "morning",
      mittags: "noon",
      nachmittags: "afternoon",
      abends: "evening",
      nachts: "night",
      wochenende: "weekend",
      sonnabend: "saturday",
      minute: "minutes",
      minuten: "minutes",
      stunde: "hours",
      stunden: "hours",
      std: "hours",
      tag: "days",
      tage: "days",
      tagen: "days",
      woche: "week",
      wochen: "weeks",
      monat: "months",
      monate: "months",
      monaten: "months",
      ein: "1",
      eine: "1",
      einer: "1",
      einem: "1",
      zwei: "2",
      drei: "3",
      um: "at",
      gegen: "at",
      von: "from",
      ab: "from",
    },
    ahead: ["in"],
    clock: ["uhr"],
    until: ["bis"],
  },
  fr: {
    words: {
      "apres-demain": "overmorrow",
      apres_demain: "overmorrow",
      ce_soir: "this evening",
      cette_nuit: "tonight",
      "week-end": "weekend",
      week_end: "weekend",
      "apres-midi": "afternoon",
      apres_midi: "afternoon",
      "aujourd'hui": "today",
      "aujourd’hui": "today",
      semaine_prochaine: "week",
      demain: "tomorrow",
      matin: "morning",
      midi: "noon",
      soir: "evening",
      nuit: "night",
      minuit: "midnight",
      jour: "days",
      jours: "days",
      semaine: "weeks",
      semaines: "weeks",
      mois: "months",
      un: "1",
      une: "1",
      deux: "2",
      trois: "3",
      a: "at",
      vers: "at",
    },
    ahead: ["dans", "d'ici"],
    clock: ["h", "heure", "heures"],
    until: ["a", "jusqu'a"],
  },
  es: {
    words: {
      pasado_manana: "overmorrow",
      por_la_manana: "morning",
      de_la_manana: "morning",
      esta_manana: "this morning",
      por_la_tarde: "afternoon",
      por_la_noche: "night",
      esta_noche: "tonight",
      fin_de_semana: "weekend",
      proxima_semana: "week",
      semana_que_viene: "week",
      manana: "tomorrow",
      hoy: "today",
      mediodia: "noon",
      tarde: "afternoon",
      noche: "night",
      medianoche: "midnight",
      minuto: "minutes",
      minutos: "minutes",
      dia: "days",
      dias: "days",
      semana: "weeks",
      semanas: "weeks",
      mes: "months",
      meses: "months",
      un: "1",
      una: "1",
      dos: "2",
      tres: "3",
      a_las: "at",
      a_la: "at",
      sobre_las: "at",
      de_las: "from",
    },
    ahead: ["en", "dentro de"],
    clock: ["h", "hora", "horas"],
    until: ["a", "a las", "hasta", "hasta las"],
  },
  nl: {
    words: {
      volgende_week: "week",
      overmorgen: "overmorrow",
      morgenochtend: "tomorrow morning",
      morgenmiddag: "tomorrow afternoon",
      morgenavond: "tomorrow evening",
      vanmorgen: "this morning",
      vanochtend: "this morning",
      vanmiddag: "this afternoon",
      vanavond: "this evening",
      vannacht: "tonight",
      morgen: "tomorrow",
      vandaag: "today",
      ochtend: "morning",
      tussen_de_middag: "noon",
      middag: "afternoon",
      avond: "evening",
      nacht: "night",
      middernacht: "midnight",
      minuut: "minutes",
      minuten: "minutes",
      dag: "days",
      dagen: "days",
      weken: "weeks",
      maand: "months",
      maanden: "months",
      een: "1",
      twee: "2",
      drie: "3",
      om: "at",
      van: "from",
      vanaf: "from",
    },
    ahead: ["over"],
    clock: ["uur", "u"],
    until: ["tot"],
  },
};

/** Words between that say nothing, in any of the languages. */
const idle = new Set(
  "am_an_den_der_dem_kommenden_nachsten_naechsten_nachste_naechste_diesen_diese_dieses_le_la_les_au_en_el_los_op_de_het_komende_volgende_deze_prochain_prochaine_proximo_este_esta_ce_cet_cette".split(
    "_",
  ),
);

/** Text in small letters without accents. */
function plain(text: string): string {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}

const kept = new Map<string, ReadonlyMap<string, string>>();

/** The names of days or months in a language, plain, by their English names; days also as their two letters. */
function names(language: string, kind: "weekday" | "month"): ReadonlyMap<string, string> {
  const known = kept.get(language + kind);
  if (known !== undefined) return known;
  const [own, english, short] = ([language, "en", language] as const).map(
    (one, at) => new Intl.DateTimeFormat(one, { [kind]: at === 2 ? "short" : "long", timeZone: "UTC" }),
  );
  const days = Array.from({ length: kind === "month" ? 12 : 7 }, (_, n) =>
    kind === "month" ? new Date(Date.UTC(2026, n, 1)) : new Date(Date.UTC(2026, 0, 4 + n)),
  );
  const found = new Map(days.map((day) => [plain(own!.format(day)), english!.format(day).toLowerCase()]));
  for (const day of kind === "month" ? [] : days) {
    const letters = plain(short!.format(day)).replace(".", "");
    if (letters.length === 2) found.set(letters, english!.format(day).toLowerCase());
  }
  kept.set(language + kind, found);
  return found;
}

function named(all: ReadonlyMap<string, string>, word: string): string | undefined {
  const name = word.replace(/(\D)\.$/, "$1");
  if (name.length < 3) return all.get(name);
  return all.get(name) ?? [...all].find(([one]) => one.startsWith(name))?.[1];
}

/** The English for a text in a language; null for a language without a vocabulary here. */
export function inEnglish(text: string, language: string): string | null {
  const known = vocabularies[language];
  if (known === undefined) return null;
  const words = new Map(Object.entries(known.words).map(([word, english]) => [word.replaceAll("_", " "), english]));
  let found = ` ${plain(text)
    .replace(/[\s,]+/g, " ")
    .trim()} `;
  // 24.12.2026 and 24/12/2026, and without a year 24.12.
  found = found.replace(/ (\d{1,2})[./](\d{1,2})[./](\d{4}) /, (_, day: string, month: string, year: string) => {
    return ` ${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")} `;
  });
  found = found.replace(/ (\d{1,2})\.(\d{1,2})\. /, (all, day: string, month: string) => {
    const name = [...names("en", "month").values()][Number(month) - 1];
    return name === undefined ? all : ` ${day} ${name} `;
  });
  const ahead = known.ahead.find((one) => found.startsWith(` ${one} `));
  if (ahead !== undefined) found = found.replace(` ${ahead} `, " in ");
  const hour = new RegExp(`(?<=[ –-])(\\d{1,2})(?:[:.h](\\d{2}))? ?(?:${known.clock.join("|")})(?=[ –-])`, "g");
  found = found.replace(hour, (_, n: string, minute?: string) =>
    ahead !== undefined && minute === undefined ? `${n} hours` : `${n}:${minute ?? "00"}`,
  );
  if (ahead !== undefined) found = found.replace(new RegExp(` (${known.clock.join("|")}) `), " hours ");
  found = found.replace(new RegExp(`(\\d) (?:${known.until.join("|")}) (?=\\d)`), "$1-");
  for (const [phrase, english] of words)
    if (/[ '’-]/.test(phrase)) found = found.replace(` ${phrase} `, ` ${english} `);
  const [weekdays, months] = [names(language, "weekday"), names(language, "month")];
  const word = (one: string): string =>
    words.get(one) ?? weekdays.get(one) ?? months.get(one) ?? (idle.has(one) ? "" : part(one));
  const part = (one: string): string => named(weekdays, one) ?? named(months, one) ?? one;
  // "Freitagabend", "maandagochtend"
  const split = (one: string): string => {
    const day = [...weekdays.keys()].find(
      (name) => name.length > 2 && one.startsWith(name) && words.has(one.slice(name.length)),
    );
    return day === undefined ? word(one) : `${weekdays.get(day)} ${words.get(one.slice(day.length))}`;
  };
  return found
    .trim()
    .split(" ")
    .map(split)
    .filter((one) => one !== "")
    .join(" ");
}
