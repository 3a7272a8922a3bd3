function fnv(key) {
  let value = 2166136261;
  for (let n = 0; n < key.length; n++) value = Math.imul(value ^ key.charCodeAt(n), 16777619);
  return value >>> 0;
}

var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}

function wholeHash(key) {
  return fnv(key).toString(36).padStart(7, "0");
}
function inWords(error, lines) {
  const texts = new Map(lines.split("\n").map((line) => [line.slice(0, 7), line.slice(7)]));
  const say = (words) => {
    const values = Object.entries(words.values).map(([name, one]) => [name, typeof one === "object" ? say(one) : one]);
    return filled(texts.get(wholeHash(words.text)) ?? words.text, Object.fromEntries(values));
  };
  const fields = error.fields?.map((one) => ({ ...one, text: say(one.words ?? { text: one.text, values: {} }) }));
  const whole = (all = []) => all.map((one) => `${one.field} ${one.text}`.trim()).join("; ");
  const message = fields !== void 0 && error.message === whole(error.fields) ? whole(fields) : say(error.words ?? { text: error.message, values: {} });
  return { ...error, message, ...fields && { fields } };
}

var inWords2 = (error) => inWords(error, `1up7nwionbekende instelling: {name}
1gyoozkkost te veel tijd bij je e-mail: bij bezorging zou de regel worden overgeslagen. Maak de patronen eenvoudiger
1w9q88e{address} is geen adres van dit account
0k62836dit account bestaat niet meer
00ckyvxde wachtrij voor uitgaande e-mail is buiten gebruik; de beheerder vindt de reden in het logboek
0njcjt2is niet de naam van een server, zoals imap.example.org
0i6sigjis leeg: geef de gebruikersnaam bij de andere server
1u6327iis leeg: geef het wachtwoord bij de andere server
0phkbrezonder versleuteling wordt alleen een server in het eigen netwerk benaderd, en dat is hier niet toegestaan
1u27402heeft geen tijdzone
0j2qcepis leeg: geef het adres van de andere server
0tpfktwmoet 1 tot 64 afdrukbare tekens hebben
1k1cj5yis al de naam van een app-wachtwoord
02dq0cmop dit moment wordt er al een ander apparaat ingesteld
0owwkbmdeze instelcode is verlopen; maak een nieuwe
1buwl7odeze link is al gebruikt, of de tien minuten zijn voorbij; maak een nieuwe op de accountpagina
0oxdmd2het wachtwoord van dit account kan niet worden gekozen, alleen gegenereerd; zo heeft de beheerder het ingesteld
0zhnjh5deze sessie is al beëindigd
1hdv67tafter: dit is geen plaats in de lijst
0n87wf9is geen URL met http of https
0tzy6jdmoet afdrukbare ASCII zijn
1n7cz00het filter leert al
1ytr327dit account heeft geen spamfilter: zet het aan en sla eerst op
0ez27miMoet e-mail aan {own} worden doorgestuurd naar {target}?
09f55nm{name}: {reason}
16yu4n3{place}: hoogstens {limit} tekens zijn mogelijk
18c20f1{place}: mag niet leeg zijn
1tq358x{place}: minstens {limit} tekens zijn nodig
002g0vy{place}: hoogstens {limit} items zijn mogelijk
0l7tx11{place}: kies er minstens één
1kpkgd6{place}: minstens {limit} items zijn nodig
1f73g7l{place}: een getal tot en met {limit} wordt verwacht
10vsbyl{place}: een getal vanaf {limit} wordt verwacht
0gntdyger is geen aanroep {name}
0hj3kenIdempotency-Key: moet 1 tot {most} afdrukbare ASCII-tekens hebben
1fdrm5fde server is opnieuw gestart en we weten niet of dit is uitgevoerd; controleer dat voordat je het opnieuw probeert
0t5nuhz{address}: {reason}
0dclgqsde bijlagen zijn groter dan een bericht mag zijn ({max_size} MiB)
1vc8ybn{field}: {reason}
1k533oxhet bericht is groter dan {max_size} MiB
0c6ydnqdit concept is elders gewijzigd of verwijderd
0mk634fdit bericht is al verzonden
0n3d1mmHTML: {reason}
0cv1nhcde tekst kan nu niet worden voorbereid: {reason}
0rdx6znde leesbevestiging is al verzonden of geweigerd
1k72a4qsend_at: je kunt geen berichten inplannen vanaf {address}
1yglgi4de kop van het bericht is te lang
1wb063s{field}: dit tijdstip is voorbij
0krccga{field}: kies een tijdstip binnen de komende {longest} dagen
0u3f4u9je kunt niet meer vanaf dit adres verzenden; kies een ander adres
0h6ymntJe bent uitgelogd. Log opnieuw in.
06xsuw2het inlogformulier is te oud, of de browser stuurt geen cookies{hint}
1qd2wdmhet CSRF-token ontbreekt
0hbb0guDit duurde te lang, of de server is opnieuw gestart. Begin opnieuw.
1jiq92jDeze code klopt niet. Vergelijk de tijd van je apparaat met die van de server.
0219a1mDeze verificatiemethode is al verwijderd.
0yqcajwHerstelcodes horen bij inloggen in twee stappen: voeg eerst een app of een beveiligingssleutel toe.
040an6nEr is al een apparaat met deze naam.
07gdaqvDe beveiligingssleutel kan niet worden toegevoegd: {reason}.
1hoi77qDit account heeft inloggen in twee stappen, maar de tweede factoren zijn kwijt. Vraag de eigenaar van deze server dit uit te voeren: moxlite account reset-second-factor
0icxti0Dit inloggen duurde te lang, of de server is opnieuw gestart. Geef je wachtwoord opnieuw.
06tubmqonbekende sleutel
0qsicmkbeveiligingssleutels werken alleen bij een hostnaam met https
0a0ktgwhet bestand is groter dan een import mag zijn ({most} bytes)
1nbit3wdeze import bestaat niet, of is meer dan een minuut geleden geëindigd
0jda7iter loopt al een import in dit account
12dsnyuhet formulier heeft een onbekend veld {name}
1nk9sxudit bestand kan niet worden geïmporteerd: het moet zip of tar.gz met e-mail, tar, mbox of één bericht (.eml) zijn
12r547narchieven worden alleen in eigen mappen geïmporteerd, want ze kunnen meer mappen aanmaken
15uoljhmap: {reason}
15fhk68labels: {reason}
11wp3l1labels: je kunt er hoogstens {most} toevoegen
12e88ws{name}: 1 of 0 wordt verwacht
0nns9lseen formulier met een bestand wordt verwacht: multipart/form-data
1t5n13fde schijf van de server heeft geen ruimte voor dit bestand
05677l8het bestand deed er te lang over
0lj2e1rhet formulier heeft geen bestand
1k9ji4uhet formulier is onvolledig of onleesbaar: {reason}
0e033cshet bestand is groter dan een import mag zijn ({limit} bytes)
0n6cpf7het formulier heeft meerdere velden {name}
1cb3zwldit zijn meer dan {most} bestanden: pak ze in één
0ze9vachet veld {name} is te lang
14ddsejHet antwoord van de aanbieder kon niet worden gecontroleerd. Probeer het opnieuw. De reden staat in het serverlogboek.
1izhgh1Dit inloggen duurde te lang of begon in een andere browser. Log opnieuw in.
1fbickwkan het antwoord van de aanmelddienst niet controleren
1wfy368Je bent uitgelogd. Log opnieuw in.
1s5fy1hDe aanbieder heeft je niet opnieuw laten inloggen. Voer je wachtwoord in, of vraag de beheerder.
1jnozqwIemand anders heeft bij de aanbieder ingelogd. Probeer het opnieuw met je eigen account.
114jf13bij de aanbieder ingelogd als iemand anders
0p215ilInloggen via een aanbieder is hier niet ingesteld.
10c8grbJe hebt het inloggen geannuleerd, of de aanbieder heeft het niet toegestaan.
1gry4z1De aanbieder heeft een probleem. Probeer het later opnieuw, of log in met je wachtwoord.
19nnxpvDe aanbieder heeft het inloggen geweigerd: {code}. Probeer het opnieuw, of vraag de beheerder.
1d0tkdrDe aanbieder antwoordt niet. Log in met je wachtwoord. Heb je er geen, vraag de beheerder dan om een herstellink.
1jj9wp7Koppelen is niet gelukt: {reason}.
1jt72qiDeze login is al ontkoppeld.
0rbg1naHet adres of het wachtwoord klopt niet.
0dk0pn7Het wachtwoord klopt niet.
08m5shpGeef eerst opnieuw je wachtwoord of een tweede factor.
0d26222Deze login is nog niet aan een account gekoppeld. Log in met je wachtwoord en koppel hem onder Beveiliging op je accountpagina.
1dj4o1xdeze sessie wordt niet bewaard, daarom vraagt de accountpagina een eigen aanmelding
1pwsndvDit apparaat is uitgelogd, omdat het 30 dagen niet is gebruikt of omdat het inloggen 180 dagen geleden is. Log opnieuw in.
143frawJe bent na 24 uur zonder gebruik uitgelogd. Log opnieuw in.
1h14nd2Dit apparaat is voor je veiligheid uitgelogd: een oude kopie van de aanmelding is gebruikt, door iemand anders of uit een teruggezette back-up van de browser. Weet je van geen back-up, bekijk dan de aanmeldingen in je account. Log opnieuw in.
10cxyygEr is geen beheerderswachtwoord ingesteld. Voer op de server uit: moxlite admin set-password
0i03qckDe aanmelding van de webmail kan hier niet worden gebruikt. Log opnieuw in.
0rna7aihet account heeft hier geen ruimte voor: {used} van {limit} {unit} zijn in gebruik
111h8xode eigenaar van deze map staat je niet toe er berichten uit te halen
1txu1umde eigenaar van deze map staat je niet toe berichten als gelezen of ongelezen te markeren
16qwii2de eigenaar van deze map staat je niet toe markeringen en labels te wijzigen
08prwdude eigenaar van deze map staat je niet toe er berichten in te zetten
02ok99qde eigenaar van deze map staat je dit niet toe
0f70i4rbijlagen: {reason}
1dvalhzde schijf van de server is vol
0rioi7wdeze server mag nu niets wijzigen, alleen tonen wat er is; probeer het over een minuut opnieuw
0tezirede server is bezet, probeer het zo opnieuw
09o8jv0de opslag van dit account antwoordt niet zoals het hoort
0pcsm40het lezen duurde te lang, probeer het opnieuw
0xrsovade accountpagina is niet op dit adres
1mjd47aberichten die niet geladen zijn, worden alleen gewijzigd waar alles van jou is
0xky99agesprekken dempen en inklappen: alleen voor wat van jou is
1r1isbpsince: een getal wordt verwacht
1czzj1jde afspraak is intussen gewijzigd
1s0kfajhet contact is elders gewijzigd of verwijderd
0h1prvkje kunt de beschikbaarheid voor hoogstens 31 dagen tegelijk bekijken
19k6y8yhet bestand kan niet worden gelezen: {reason}
1ovtddjde tekst van dit bericht kan niet worden gelezen om te schrijven: {reason}
1l11ep3De tekst van het bericht wordt niet geciteerd. {reason}
1a32isladres: {reason}
0f0oc23Het heeft meer ontvangers dan een bericht kan hebben: dit zijn de eerste {most}.
1tsby2ddit contact is verwijderd
01fu28uéén vCard wordt verwacht
1ml1gogcontacten wijzigen: alleen voor wat van jou is
1qtx7bgphoto: een JPEG, PNG, GIF of WebP van hoogstens 128 KiB wordt verwacht
0tvagm9een contact heeft een naam of een adres nodig
0ymc8eihoe een bericht aankwam: alleen voor wat van jou is
1i7n9idalleen de eigenaar van de agenda kan privéafspraken wijzigen
18qe6wxdeze agenda is verwijderd
0g72o35deze afspraak is verwijderd
1l2slxade afspraak kon niet aan je agenda worden toegevoegd, dus je antwoord is niet verzonden: {reason}
0zxhn8rje kunt niet antwoorden omdat je niet vanaf {address} kunt verzenden
148wd2pagenda: {reason}
1l8h0uaje kunt afspraken niet uit de agenda’s van hun eigenaar verplaatsen
0ke5z14alleen de organisator wijzigt deze afspraak; herinneringen en of je bezet bent bepaal je zelf
056b372begin: afspraken en hun herhalingen moeten in de jaren 1 tot 9999 liggen
1k3uo3hje bent niet uitgenodigd voor deze afspraak
0v8yfrlvoer een groepsnaam in
0pd5lrubericht {missing} is er niet of niet meer
0hd5eb9dit is geen uitnodiging die kan worden beantwoord
0e5oze7geen van je adressen is uitgenodigd
0n4tdnide agenda kon nu niet worden gelezen
0gbjgykde afspraak eindigt voordat ze begint
12apt7deen dergelijk deel is er niet
051c5zjde agenda is groter dan 1 MiB
030lrs2begin: deze dag bestaat niet
1u9gsz2een label heeft een naam nodig
0eyizhneen ander label heet {name}
0sktfoper zijn al {most} labels met een naam
1jdkxxtdit is geen label
1mhv4kualleen {writer} kan het tijdstip van dit bericht wijzigen
11bywyrberichten uitstellen: alleen voor wat van jou is
09bswz1geen map dient als archief
04iwxh2lijsten verlaten: alleen voor wat van jou is
1wdo9bkdit bericht biedt die manier niet
0351oamleesbevestigingen worden verzonden: alleen voor wat van jou is
10xuhgsdit bericht vraagt geen leesbevestiging of is al beantwoord
11kyxevdeze regel moet niet meer worden voorgesteld
0iui6b7je hebt een adres nodig om regels te maken
1equndydit bericht heeft geen afzender die een regel kan noemen
0qf2f4u{recipient} komt aan via het verzameladres {destination}: voeg het eerst toe aan de adressen van het account
0i9mfy5{destination} is geen adres van het account meer
10sm04yde regels van dit adres zijn intussen gewijzigd
0zfeuyx{destination} heeft al {most} regels
06m4y9heen gedeelde map wordt alleen als lijst doorzocht
0mlhh1pde wachtrij van de server kan nu niet worden gebruikt
16551hadit adresboek is verwijderd
1n78uiydit adresboek heeft het contact al
0oly5btherhaling: geen tijdstip van een reeks
04ivkc8zone: deze tijdzone is niet bekend
0lddaaflink: moet een adres met http:// of https:// zijn
0larlh2gasten: dit is geen volledig adres
00cgxi9request: een stroom begint met een zoekvraag
0brx1elongeldig token
13fticger is geen stroom {stream_id}
0zvugsbeen nieuwe weergave heeft een zoekvraag nodig
1amfbwhDeze map bestaat niet meer.
0mlyp8mDe gesprekken van dit account worden nog samengesteld.
0ktvbrkDeze map kan nu niet worden gelezen.
05hewt9deze berichten staan al in deze map
183zaaaranges: alleen in de volgorde van ontvangst
06owry3flags: minstens één is nodig
0dbg7wkbericht {message_id} staat al in deze map
05sy0ucwat op verzending wacht, kan alleen naar je eigen prullenbak
0f79kq0Je krijgt al vier berichten te zien; probeer het opnieuw als ze er zijn.
00wwj1qJe krijgt al vier bestanden toegestuurd; wacht tot er een is, of breek het af.
1ilsamqEr worden al andere bestanden geïmporteerd; probeer het over een minuut opnieuw.
0121auf{host} is niet bereikbaar: {reason}
112ujbj{host} weigerde met status {status}
11ukzn4te veel mislukte aanmeldingen, probeer het later opnieuw
0k7eeshgebruiker of wachtwoord onjuist
1c8sndugebruik een app-wachtwoord: je eigen wachtwoord is alleen voor de webpagina’s
0hj54khwachtwoord onjuist
0t7685shet token is verlopen
1ed3b6zonbekend clientcertificaat
009td2thet clientcertificaat hoort niet bij dit account
0lmj35per is geen account met deze login verbonden
0kyaigmhet account is verwijderd
0x0vtzaDeze code klopt niet, of is al gebruikt. Wacht op de volgende.
1jy6iouHet antwoord van deze beveiligingssleutel klopt niet.
1xrxv0pDeze herstelcode klopt niet, of is al gebruikt.
0isua9xwachtwoordbeheerders hebben een token nodig dat niets anders kan
11vz01xeen token kan niet worden gebruikt voor {scope}
1ccn3jfde naam van een app-wachtwoord heeft 1 tot {most} afdrukbare tekens
0jkbajleen app-wachtwoord moet ergens voor te gebruiken zijn
1ei67rjeen app-wachtwoord dat alleen leest, kan niet voor verzenden worden gebruikt
09ha7cser is al een app-wachtwoord {name}
1ys94mvdit account heeft al {most} tokens
1nm3tcmdit account heeft al {most} app-wachtwoorden
13f50qyeen app-wachtwoord kan niet in het verleden eindigen
03d22n6een wachtwoord heeft minstens {most} tekens nodig
1n8dop1een wachtwoord kan niet langer zijn dan {most} bytes
15d741xde naam van een apparaat heeft 1 tot {most} afdrukbare tekens
0o89emrdeze beveiligingssleutel is al in gebruik
1omzbxser is al een apparaat {name}
1crf6tzdit account heeft al {most} authenticator-apps of beveiligingssleutels
0287eadcertificaat niet gevonden
1u4qomjhet certificaat is te lang
1wri568dit is geen leesbaar X.509-certificaat
0b8hhwvRSA-sleutels hebben minstens {most} bits nodig, deze heeft er {key_size}
0b66sm7sleutels op de curve {name} worden niet geaccepteerd
1cjfil9sleutels van dit type worden niet geaccepteerd
1o4kzigbevat een privésleutel; houd die voor jezelf en stuur alleen de uitvoer van de opdracht
055ys9ais geen certificaataanvraag; plak de hele uitvoer van de opdracht
0q2u8csis niet ondertekend met de privésleutel van dit certificaat
1l36hs7is voor een ander account of is verlopen; vraag een nieuwe opdracht op
0nenw3qdit account heeft al {most} clientcertificaten
0cxzzi1deze sleutel hoort al bij een account
0q7s68cis leeg
1vzytygdit wachtwoord komt te vaak voor; kies een ander
0wkz4imdit wachtwoord is te raden uit je adres, naam of server; kies een ander
03s4rfneen bijlage staat niet meer op de server, voeg die opnieuw toe
00skfeute veel bestanden bij concepten
1b87fc0de eigenaar wil deze e-mail niet
0xhnamade eigenaar van het adres heeft het nog niet bevestigd
1rzr48vdoorsturen naar dit adres is gestopt: {error}
1s35wmbdoorsturen naar dit adres is gestopt
1rvbzpwer zijn {count} berichten doorgestuurd in 24 uur
0nnedf7de grens van {limit} in 24 uur is bereikt: {what} (instelling {setting})
1h9yzlhberichten
0bqyyz7nieuwe ontvangers
1vn8g2chet is te laat, het bericht is onderweg
08xrknmdit bericht is elders teruggehaald en is weer een concept
1h7wqxsniet doorgestuurd naar {address}, maar bewaard: {reason}
0xae1hker is geen script {name}
0cnuflher is al een script {name}
0wgwy92het script {name} is actief
0ap4s77een account heeft hoogstens {most} scripts
0pn3475verzenden vanaf dit account is gestopt sinds {when}, omdat het lijkt of een vreemde het gebruikt; wat je daarvoor verzond, wacht; vertel het de beheerder van je mailserver en wijzig je wachtwoord
1xbe4c3hoogstens {most} tekens tekst en {subject} tekens onderwerp
0knh661besturingstekens zijn hier niet toegestaan
00n2jwvis leeg: schrijf het antwoord
0wrfs4sligt voor het begin
0cyzdadis al voorbij
1tj622wje kunt maximaal {most} adressen toevoegen
15jbt6his geen e-mailadres: {reason}
1cwlmuqer is geen account {name}
0n8rrt9account {name} wordt verwijderd
11w87e2grens overschreden: {name}
0svr70hUID's van map {mailbox}; geef nieuwe met: moxlite store reassign-uids
116lwjger is geen map {mailbox}
1mnwh7mmap {name} bestaat al
06ncmw1map {name} heeft submappen
1on6ph4er is geen bericht {message_id}
0vtxdf6dit is intussen gewijzigd, en er is niets opgeslagen: {text}
1vi9gw3deze agenda komt van elders en kan hier niet worden gewijzigd
1puqnlbdit wordt niet meer bewaard, of is al terug
01zdxjcje bent de organisator van deze afspraak, dus die kan alleen in je eigen agenda's staan
1vdizrpom hier een afspraak met gasten te wijzigen, heb je toestemming nodig om vanaf {address} te verzenden
00gdv0gdeze link is al ingetrokken
1ceed8wde eigenaar van deze agenda laat je haar lezen, niet wijzigen
0j2wzgxde eigenaar van dit adresboek laat je het lezen, niet wijzigen
0c0bpmute veel gesnoozede berichten
1qv2p05te veel geplande berichten
1sl5xkpde eigenaar heeft altijd alle rechten
1ezdg2a{name} is de eigen map van de server en kan niet worden gedeeld
18vo7v8je kunt een map met hoogstens {most} anderen delen
17v5pykte veel trefwoorden bij dit bericht
1tahiz6de annotaties zijn te groot
1jzocmrte veel trefwoorden in deze map
19z8xs5hoogstens {most} accounts kunnen vanaf één account verzenden
087byelgekoppeld account niet gevonden: {name}
194swh7te veel gekoppelde accounts
1kqotkjdit account is al gekoppeld
078wjafje hebt al een map met deze naam; kies een andere
1j302mmgeef een naam zonder {separator}
0xxntfpeen ander gekoppeld account heeft deze naam
0agfgzade naam {name} is gereserveerd voor de mappen van andere gebruikers
0q9x9oije kunt hoogstens {most} mappen hebben
02yqt0mde Inbox kan niet worden verwijderd
1iua6c9de Inbox kan niet worden hernoemd, en geen map kan zo heten
0pevw8fde Inbox kan geen bijzonder gebruik hebben
05thf45{address} is geen van je gemaskeerde adressen
0ck5vu4je kunt hoogstens {most} gemaskeerde adressen hebben
18txo1zje kunt per dag hoogstens {most} gemaskeerde adressen maken
0xglqn1een notitie heeft hoogstens {most} tekens
09bit0h{sender} is geen adres en geen domein
01d9vuphoogstens {most} afzenders, zonder spaties erin
1z0elzm{name} toont wat op verzending wacht, daar kan niets in worden gezet
05eiihd{name} wordt door de server beheerd; zet queue_mailbox uit om de map te verwijderen
02naaknberichten van {name} kunnen alleen naar de prullenbak, wat ze annuleert; kopieer ze ergens anders heen
15dk4mode naam van een map kan niet leeg zijn
1pfigcnde naam van een map kan geen besturingstekens bevatten
0vveplpde naam van een map kan niet met # beginnen
1g6tlxhde naam van een map kan niet langer zijn dan {most} bytes
1q4byjomappen kunnen niet dieper dan {most} worden genest
1iq54egde naam van een map kan niet met / beginnen of eindigen en geen // bevatten
0inuku9een deel van de naam van een map kan niet . of .. zijn
1r3wo1yeen deel van de naam van een map kan niet langer zijn dan {most} bytes
1bex1byte veel pushabonnementen
0l7g96rdit sjabloon bestaat niet meer
0o4vsy3een sjabloon heeft een naam nodig
0tdnpb4een ander sjabloon heet „{name}”
14zli5idit is elders gewijzigd en daarom niet verwijderd; laad de pagina opnieuw
0ngl2eqde zoekopdracht is te diep genest
0nimtbqde tekst is langer dan {most} miljoen tekens
083stupde tekst bevat een NUL-teken
1w8ui5sje kunt hoogstens {most} ontvangers toevoegen
0kt5ji9je kunt hoogstens {most} bestanden bijvoegen
1iqsiqylanger dan {limit} tekens
0346wgr{localpart}@{domain}: {reason}
14rlbndhet deel voor de @ ontbreekt
0zyaagoer is geen ontvanger
1nmndzqhet domein van het afzenderadres is tijdelijk uitgeschakeld
1nvxof1je kunt niet vanaf {address} verzenden
0sppvbyhet bericht heeft een From-veld met precies één adres nodig
14arby9het bericht heeft 8-bitsgegevens, waarvoor 8BITMIME nodig is
09h06l8het bericht kan nu niet worden ondertekend, probeer het later opnieuw
0sph9dthet bericht heeft een Return-Path, dat afzenders niet mogen toevoegen
1w6v9ruDe server is bezig met andere berichten van je; probeer het zo opnieuw.
1l4rcz4Dit systeem kan HTML-berichten niet veilig weergeven.
0r74knkDe server kan het proces dat berichten veilig maakt niet starten; probeer het later opnieuw.
1hf6obvHet programma dat berichten veilig maakt is gestopt: dit bericht liet het iets verbodens proberen.
0e1rm27Dit bericht veilig maken duurt te lang of kost te veel geheugen.
0aeca3cDit bericht is te groot om te tonen.
16vemjzer is geen map ‘{name}’: het bericht is bewaard
0nkngsxdoorsturen naar {address} zou in een kringetje gaan: het bericht is bewaard
17ic4t3het script is intussen gewijzigd, en er is niets opgeslagen: laad de pagina opnieuw
192mptjer is al een script {name}: kies een andere naam
0ggxmam„{address}” is geen adres van dit account
00eun42regel {rule} kost te veel tijd bij deze e-mail: maak de patronen eenvoudiger
1ukaevwde naam van een script heeft 1 tot 128 tekens, zonder besturingstekens
0ieavydhet bestand heeft meer dan {most} afspraken
0xrz2xkde agenda heeft meer dan {most} regels
1haw9qhhet bestand heeft meer dan {most} contacten
1oc56rede laatste kaart heeft geen einde
1udbqvphet is groter dan {most} MiB
0j4ad1shet bestand is geen geldig CSV: {reason}
0zw9yctde eerste regel noemt geen kolommen zoals Name, First Name of E-mail Address
0mnuw8wregel {line_num}: {reason}
01mv8z6regel {line}: geen naam en geen adres
0cg1acxdeze afspraak heeft geen begin
1wxj3kodeze tijdzone is niet bekend
1oxiz30dit tijdstip van de reeks is onleesbaar
1l1tx17de agenda is groter dan 1 MiB
1p8dcqfhet bestand heeft geen afspraak
0bi40k5alle delen van een item hebben dezelfde organisator
11sgwa1de organisator van een item blijft dezelfde
0itx98ween item kan hoogstens {most} MiB hebben
18rehzieen item kan hoogstens {most} regels hebben
0lnbs9jeen item kan hoogstens {most} onderdelen hebben
01egz9ceen reeks kan hoogstens {most} gewijzigde datums hebben
1gup5zqeen afspraak kan hoogstens {most} gasten hebben
0gbuabmeen afspraak kan hoogstens {most} herhalingsregels hebben
02m6emxeen eigenschap kan hoogstens {most} KiB hebben
1uhw299een kaart heeft meer dan 256 KiB tekst
03r8sp7een kaart is leeg
1pk8im0een kaart heeft geen naam en geen adres
1cdsidpis leeg: geef de naam van een apparaat of programma
03w9ifjis leeg: kies minstens één dienst
1wngb0zer is geen app-wachtwoord {name}
192xcj9ontbreekt; voer de openssl-opdracht uit met je privésleutel en voeg de uitvoer toe
0iszdkkis geen adres van dit account
1nzt11gDeze link is al gebruikt, door een nieuwere vervangen of verlopen.
1okc1ruDeze link is al gebruikt.
1no3xfm{address} bestaat niet op deze server
19gfh08je bent de organisator en kunt je eigen adres {address} niet uitnodigen
0fa6rio{address} accepteert je e-mail niet
09jddeg{text} is geen adres
10dncnrkies een van je eigen domeinen: {names}
1h97qllhet domein {domain} staat niet op deze server
00yodgvhet account heeft geen adres bij {domain}
0a4lhvrhet domein is te lang
0kpiph3het domein is verkeerd geschreven
15s68cxeen deel van het domein is te lang
0lo0gqehet internationale domein is ongeldig
0z5h7n2het deel tussen aanhalingstekens is ongeldig
1qr8ic8het deel voor de @ is leeg
06qv179het deel voor de @ is verkeerd geschreven
1bhiwcyeen besturingsteken voor de @
0sfbakzhet deel voor de @ is te lang
0vworvrhet IP-adres tussen haken is ongeldig
17fb7mhhet adres is te lang
1ytgmvuhet adres heeft geen @
066qo3mer staat een onzichtbaar teken in het adres
1nlopbgde route is ongeldig
0m4evwmhet pad is te lang
0rks5w1het pad heeft geen @
0og8tssde sleutel is niet in base64url
0h1flz6het authenticatiegeheim moet 16 bytes hebben
0lnp9z6de openbare sleutel moet 65 bytes hebben
19j85m8de openbare sleutel is geen punt van de curve P-256
0ymmtrode URL van de pushdienst is te lang, of heeft tekens die geen URL heeft
06ivfptde URL van de pushdienst is ongeldig
0nmagdgde URL van de pushdienst moet met https:// beginnen en een host noemen
07lyo2mer worden al agenda’s gekopieerd
1h9bds2er lopen meerdere kopieën op deze server; probeer het later opnieuw
1mlgyn3het adres moet met https:// beginnen en mag geen wachtwoord bevatten
0xwb21zde gebruikersnaam mag geen dubbele punt bevatten
1afc4z9de server heeft voor deze gebruiker geen plek voor agenda’s of contacten
1n3mha8de server weigert de gebruikersnaam of het wachtwoord
0knfjll{host} beantwoordt {method} met {status}: daar zijn geen agenda’s
1jtldpaeen antwoord is groter dan {size} MiB
1bi2rw2een antwoord is niet leesbaar: {reason}
0recd9tde server verwijst naar {place}, dat het wachtwoord niet krijgt
1qjgje8‘{text}’ is geen adres
1w4mc47onbekende tijdzone, dus de tijden gelden in alle tijdzones
1m0v18fonleesbare regels overgeslagen
0c78dvxeinde overgeslagen omdat het ongeldig is
01tqsdvherhalingsregel overgeslagen omdat die ongeldig is
08houqddatums behouden die een tweede regel (EXRULE) uitsluit
0eo36qhonbekende tijdzone, dus de tijden zijn in {zone}
1ocw4z2het bestand heeft geen afspraak of taak
1hk8wcbhet bestand heeft geen contacten
000jaj4het heeft meer dan {most} bestanden
1p1kst1deze server heeft geen https-adres voor agenda's: vraag de beheerder
1w54fcd{address} accepteert alleen e-mail van leden
1y3g5jqhet adres van een agenda begint met https:// of webcal://
0p0iwnzeen adres met een gebruikersnaam of wachtwoord erin wordt niet aangenomen
0kt0ryvde server is niet bereikbaar: {reason}
1paohbude server verwijst naar een adres dat niet leesbaar is
1ytlrt9de server antwoordt met {status}
1ujvc6nde agenda is groter dan {size} MiB
1gkhrkaop dit adres is geen agenda
0jbikpbje bent al op deze agenda geabonneerd
0gv3e47de agenda kan niet worden gelezen: {reason}
0hnk2wjhet lezen van de agenda duurt te lang
0zzpkf1{problem} (en nog {n})
12wx6n2Microsoft laat andere programma’s niet meer met een wachtwoord inloggen: dit account kan niet worden gekoppeld
0ov7x40Proton Mail biedt IMAP alleen op je eigen computer, met de Bridge-app: dit account kan niet worden gekoppeld
1jln3zgTuta ondersteunt geen IMAP: dit account kan niet worden gekoppeld
18cj164is geen e-mailadres, zoals mia@example.org
08inwrker is geen mailserver van {domain} gevonden: geef de naam op
1n7pkh4er wordt al e-mail van een andere server geïmporteerd
1606imfer lopen meerdere imports op deze server; probeer het later opnieuw
1meoemmde import is niet meer in de toestand die de pagina toont; laad die opnieuw
11er4yyer ging iets mis op de server; het logboek vertelt meer
1tq7cvoer loopt een andere import of export van {account} via IMAP
0ncx68reen tijdelijk bestand kan niet worden geschreven: {reason}
1k8yhsz{reason}: nieuwe poging over {seconds} s
1h8olbe{reason}; {n} berichten zijn gekopieerd; een nieuwe import gaat daar verder
0xiki20het bericht is groter dan {n} bytes
1bjokfgde server geeft het niet
1ix2tf2{mailbox}, bericht met UID {uid}
0q266ja{place}: overgeslagen, {reason}
0kae002er wordt al naar servers gezocht: probeer het zo opnieuw
0hr06f6geen antwoord binnen {seconds} s
0cb58emde andere server weigert het wachtwoord: geef het opnieuw op
0lph71der is geen server voor verzenden gevonden: geef die op om vanaf dit adres te verzenden
0jybo7his niet de naam van een server, zoals smtp.example.org
1vj9qd3het verzenden vanaf {address} is uitgezet
1d9mb1xhet gekoppelde account {name} is gepauzeerd
17or78nhet wachtwoord van het gekoppelde account {name} is geweigerd
0f6s7jx{host}: {reason}
0mykpnoPOP3 wordt alleen met versleuteling gebruikt
1l9vxmuis geen poort
1kyyaimis een aantal dagen tot {n}, alleen met POP3
0acmx94het bewaarde wachtwoord is niet meer leesbaar: geef het opnieuw op
1n1fg06de server noemt meer dan {n} mailboxen
13quambmailbox {name} wordt overgeslagen: de naam is te lang of heeft vreemde tekens
1vimp78mailbox {name} wordt overgeslagen: die is van een andere gebruiker
1fng2hrverwijderde mailbox {name} wordt overgeslagen
1sz8qnjmailbox {name} wordt overgeslagen: die toont alleen berichten uit andere mailboxen
0qs4fagde server beweert meer dan {n} berichten in een mailbox te hebben
0p21re0een zoekopdracht vindt meer berichten dan er zijn
1e0ld36er zijn berichten verwijderd terwijl een mailbox werd opgevraagd
1m4z0uleen antwoord van de server was niet te begrijpen: {reason}
08qm6aumailboxen voor iedereen worden overgeslagen: {names}
16scyhomailbox {name} is hernoemd naar {to}
0jsbpuwmailbox {name}: annotatie {key} wordt overgeslagen: {reason}
0pz44gimarkeringen van sommige berichten worden niet overgenomen: {reason}
0lvgg6kmailbox {name} wordt overgeslagen: {reason}
1fc2kumverbinden lukt niet: {reason}
0i5zpmvdit account heeft andere servers te vaak geprobeerd: probeer het over {minutes} min opnieuw
10byuraal {seconds} s geen begroeting
1g7v4isde server meldt zich niet als een IMAP-server
13yr74ode server wijst ons af: {answer}
0uy3k7rde server zegt vóór TLS dat we zijn aangemeld
008m7zode server begint geen TLS: {reason}
14nj2dnde server stuurde iets achter zijn antwoord op {command}
0auisxmde TLS-handshake mislukte: {reason}
1pb5oi4de server antwoordt op een opdracht die er niet is
0lw3weqde server gaat door met een uitwisseling die voorbij is
0oiyffjgeen aanmelding binnen {seconds} s
0hij3mscertificaat van {host}: {reason}
0g5uumw{reason}; om het te vertrouwen, zet je het bestand in tls.ca.cert_files van moxlite.toml
1ao6ksl{host} is niet de naam van een server: {reason}
0f9s0yfgeen antwoord van DNS voor {host}
0fh8wtdgeen adressen van {host}: {reason}
1dcu2yhaanmelden mislukt: {reason}
10tei7xzonder TLS biedt de server geen aanmelding die het wachtwoord verbergt: de mechanismen zijn {names}
1mzcqp9de server biedt geen aanmelding die hier bekend is: de mechanismen zijn {names}
013ng35de server heeft {command} niet binnen {seconds} s beantwoord
0x03q85de server zegt al {seconds} s niets
1qvs30jde verbinding brak af: {reason}
1xkv4isde server stuurt meer dan {command} aankan
1tpx2m6de server neemt al {seconds} s niets aan
1oph6hude server weigert {command}: {answer}
00fpfoude verbinding is niet meer bruikbaar: {reason}
0fevgi4de server beëindigt een opdracht voordat hij die heeft
074490qde server sloot de verbinding en zegt: {answer}
11loceyde server sloot de verbinding
07liuslhet account heeft geen adres om de bevestigingsmail mee te versturen
06g6tg3de wachtrij voor uitgaande e-mail is buiten gebruik
07041ebde pagina heeft geen openbaar adres; een beheerder opent haar voor het internet met \`moxlite config listeners publish-web on\`, of stelt web.public_url.{app} in moxlite.toml in waar anderen haar op een andere manier bereiken
1qwumcodomains.toml wordt door anderen gewijzigd: probeer het opnieuw
1ht9197domains.toml is ergens anders gewijzigd; controleer de wijzigingen opnieuw
0gdjrtwdomains.toml is intussen gewijzigd: probeer het opnieuw
0zi33ozis geen domein van deze server
1f1jw46leidt niet naar {configured}
1xc89pvmoet een van deze zijn: {words}
185pnpomoet afdrukbare ASCII zijn: het is de waarde van een kopveld
00bn4vizo maak je er een: echo whsec_$(openssl rand -base64 32)
1hqhxm2moet in hoofdletters: schrijf „{capability}”
1onudrjmoet 421 of 550 en een bericht zijn, zoals „550 no longer here”
157zzkakan niet worden gecombineerd met mailbox of rulesets
0n68bm8heeft meer dan {most} adressen
17ngmcystaat er twee keer
0heax1ais een adres van het account zelf
0ps4opfheeft geen voorwaarde
19ir35omoet een actie hebben
0vs36lwheeft smtp_mail_from_regexp en verified_domain nodig
062s3h5gaat niet samen met list_allow_domain
0dyowxfmag niet de Inbox zijn
0pkaw2umag hoogstens {most} voorwaarden hebben
16a06pcmoet een waarde hebben
0s9ukbzmag hoogstens {most} tekens hebben
04isp1tmoet groter dan 0 zijn
0dclntbmoet de test "contains" gebruiken
0px3m8qmoet in kleine letters: „{pattern}”
12zkcyhis geen reguliere expressie: „{pattern}”: {fault}
03lqvbgmag niet de map voor geweigerde e-mail zijn
1twrv8mis de map die queue_mailbox toont: alleen de wachtrij zet daar berichten in
0ylgv17moet van 0 tot 1 zijn
1fkwyuwmoet minstens 1 zijn
0338knvmoet minstens 0 en kleiner dan 0,5 zijn
02uhwj4heeft onegrams, twograms of threegrams nodig
02a0jifis niet bij een domein van deze server
05itg08is bij een domein zonder localpart_separators
08mf3dsbevat dezelfde waarde twee keer
1sxr9ozis geen DNS-naam
1y9e2domoet een afzender (From) hebben
1rb2wbemoet ASCII zijn
0czd34emoet 1 tot 32 letters en cijfers hebben
0jyywcgis geen hostnaam, ook niet met *. ervoor
014ji1mbevat een scheidingsteken van zijn domein
0jtxyowmoet ten minste één lid hebben
0gk7zutheeft een lid van deze server nodig, dat naar de anderen verzendt
1mkj72zbedoelde je „{word}”?
1hpx6m5ontbreekt
1cukpo9deze sleutel hoort bovenaan het bestand, boven de eerste [sectie]
1moaiqizet het domein tussen aanhalingstekens: {header}
1v8d9uumag niet leeg zijn
10on8gghaal de sleutel weg om niets in te stellen
10929mqmag niet negatief zijn
19smucvvalt buiten het bereik
0klpwljbevat besturingstekens
1dbuk2lis geen duur zoals „15s”, „1h30m” of „7d”
0ka2sfais langer dan een eeuw
1gvopf4is geen grootte: schrijf bytes of een tekst zoals „500k”, „100m”, „2g”
0mvlqlfis groter dan een pebibyte
1tftehlis geen tijd: schrijf „auto” of een duur zoals „20d”
0k0d2pzmoet een volledig pad zijn: alleen een shell kent ~
17bo2v8is geen poortnummer van 1 tot 65535
0p0t813is geen domein: {reason}
1af6aghmoet in Unicode-vorm, in kleine letters: schrijf „{domain}”
178l1m0moet in de eenvoudige vorm: schrijf „{address}”
0k9e9w3is niet het deel van een adres voor de @
01uvdo8is geen IP-adres
08l4rk2is geen IP-netwerk zoals 192.0.2.0/24{hint}
1gnns8ois niet unix:/path/to/socket en niet unix:/path/to/socket:/path
00ud60yis geen URL met http of https, en niet // en een host
1i3hkh3mag geen pad hebben: dat van het verzoek blijft, of wordt vervangen door replace_path
0gsswjlmoet ASCII zijn, zonder gebruiker en wachtwoord
0f4hly4moet met één schuine streep beginnen en eindigen
054ocvqis geen oorsprong: schema en host, zoals in "https://webmail.example.net"
11g1lpgis geen reguliere expressie: {text}
1k8qtn0moet in Unicode-normaalvorm NFC: schrijf „{normal}”
0s2e0s6is geen naam van een map
1wqdwt1moet een labelsleutelwoord in kleine letters zijn, zoals "to_do"
17ibyubmoet één leesteken zijn, zoals „+” of „-”
1b78ai4moet ASCII van hoogstens {most} tekens zijn
03dh00cmoet {prefix} en {least} tot {most} bytes als base64 zijn
0wu8lb0heeft meer dan twee geheimen
0uvk00uis langer dan {most} tekens
1w07qa1is geen reguliere expressie die in beperkte tijd te zoeken is: ze heeft {reason}
1xsqg36past nooit: „{pattern}” heeft {reason}
10tg86tde server weigerde de aanmelding: {answer}
09zd50bheeft een patroon voor de naam en een voor de waarde nodig
0sfxw4pnoemt „{one}” twee keer: zet beide waarden in één patroon
1v4o1aq{text} ({hint})
1t80n0ver is niets opgeslagen: de configuratie heeft elders een fout; de beheerder moet die eerst herstellen
1fhpf26vul een adres of account in
1t4y2l1is geen account van deze server, en alleen accounts kunnen rechten krijgen
1v1ykkhis je eigen account, dat alle rechten heeft
0eaafy0moeten letters uit {letters} zijn, met l
07fw83pis er niet meer
0su4u3omoet één account zijn; niet iedereen kan namens jou verzenden
0y6ogsamoet in de toekomst liggen
0i8ut0okan niet vanaf de adressen van dit account verzenden
0moiuyede eigenaar van het adres wil deze e-mail niet, of het doorsturen is niet gestopt
0wgjzuver wordt niets doorgestuurd naar {address}
1a9f3zrControleer het adres op typefouten of vraag de ontvanger om het juiste adres, en verzend je bericht dan opnieuw.
03incojJe bericht en het adres zijn in orde. Neem contact op met de beheerder van je mailserver.
0zftmtqNeem op een andere manier contact op met de ontvanger, en verzend je bericht opnieuw als er ruimte is.
1osxjp7Je hoeft niets te doen. De server probeert het opnieuw.
1sx1wg8Pas je bericht aan: minder links, geen verkorte links en geen bijgevoegde programma’s. Of neem op een andere manier contact op met de ontvanger.
10al86dNeem op een andere manier contact op met de ontvanger. De beheerder van de server van de ontvanger moet dit oplossen.
1aa66xnAls het adres weer werkt, vraag dan de beheerder van je mailserver om het toe te staan.
0hqdwq9Controleer je gekoppelde accounts, of verzend vanaf een ander adres.
033eu8uControleer je computer en de bijgevoegde bestanden.
11c75y2Controleer het deel na de @.
0bk6blrNeem op een andere manier contact op met de ontvanger.
1rw9lfoDeel grote bestanden op een andere manier en stuur een link.
0w9wchkGebruik adressen met vóór de @ alleen de letters a tot en met z, zowel het jouwe als dat van de ontvanger.
0lh2yzhAls je bericht niet vertrouwelijk is, verzend het dan opnieuw zonder deze eis.
`);
export {
  inWords2 as inWords
};
