"use strict";
(() => {
  // lib/language.ts
  function hashed(key) {
    return (fnv(key) % 36 ** 4).toString(36).padStart(4, "0");
  }
  function fnv(key) {
    let value = 2166136261;
    for (let n = 0; n < key.length; n++) value = Math.imul(value ^ key.charCodeAt(n), 16777619);
    return value >>> 0;
  }
  function language(name, lines, locales, errors, rest = "", forms = ["one"]) {
    const texts = /* @__PURE__ */ new Map();
    const add = (more) => {
      for (const line of more.split("\n")) texts.set(line.slice(0, 4), line.slice(4));
    };
    add(lines);
    let loading;
    const plural = new Intl.PluralRules(name);
    return { locale: locales.find((one) => one === name || one.startsWith(`${name}-`)) ?? name, find(key, n) {
      const text = texts.get(hashed(key));
      if (text === void 0 || n === void 0) return text;
      return text.split("|").at(forms.indexOf(plural.select(n)));
    }, told: async (error) => {
      const found = await import(errors).catch(() => null);
      return found === null ? error : found.inWords(error);
    }, async rest() {
      if (rest === "") return;
      loading ??= import(rest).then((found) => add(found.lines));
      await loading.catch((error) => {
        loading = void 0;
        throw error;
      });
    } };
  }

  // lang-nl.ts
  globalThis.moxliteLanguage = language("nl", "n44bApparaat instellen\nq76jBeveiliging\n437cWachtwoord\nmwmjSpam\naqm8{n} bericht|{n} berichten\n11axGebruikersnaam\n9em3Annuleren\nosecGekoppelde postvakken\n3d82Nieuw wachtwoord\nepybLaden…\nnxruOverzicht\n0qdfAdressen\n0m2sAdressen om weg te geven\nop6oRegels\nrcyqAfwezigheid\nntvqDoorsturen\n2491Sieve-scripts\na15sUitgaand\nkdg5Importeren en exporteren\nvnnlGedeelde mappen\nqep2Sleutels en webhooks\nsv5mWebmail\nnexoaccount\ntoqnPagina’s\n83atUitloggen\nlvjeDe account kan niet worden getoond\nvov0Uw e-mail staat in de webmail\nndxcNiet getoond\np43gAccount\nomryDeze pagina kan niet worden getoond\n2hh6Opnieuw proberen\ne7m4Er ging iets mis op deze pagina\ng6m9Uw account\nusp5Op uw telefoon of computer\nb874‘Apparaat instellen’ doet dit voor u. Gebruik handmatig:\nn2qqMailprogramma’s hebben hier elk een eigen app-wachtwoord nodig.\ndsg2Mailinglijsten waar u in staat\n9scqSchrijf een patroon van uw spammappen opnieuw. Het {reason}.\noieqSchrijf een patroon in de regels van {address} opnieuw. Het {reason}.\njnlnJe bent afwezig: wie je schrijft, krijgt een automatisch antwoord.\nv530Je bent afwezig: wie je schrijft, krijgt een automatisch antwoord. Tot {time}.\nfuaeBeëindigen of wijzigen\nf342Er is een bericht bewaard:\n18xnJe script gaf een fout in regel {line}: {reason}.\nq5jmJe script gaf een fout: {reason}.\ncuswHet bericht is bewaard.\n4cvuEr wordt niet meer doorgestuurd naar {address} omdat mail daarheen drie dagen lang terugkwam. Je mail blijft hier bewaard.\n4ztf{used} gebruikt, geen limiet\nloox{used} van {limit} gebruikt\np0jqOpslag\nos0inaar {mailbox}\ngcxk{n} regel|{n} regels\nfgh4domein uitgeschakeld\nppnfweigert alle e-mail\n9o7liedereen mag ernaar schrijven\nncqgalleen leden mogen ernaar schrijven\nzm7gu mag ermee verzenden\na4pgde leden worden niet getoond\ny4onWachtwoord instellen\nu7ctNaar het inloggen\nhj8gNieuw wachtwoord maken\ntlesWachtwoord instellen\nk8r7Uw nieuwe wachtwoord is ingesteld. Alle andere sessies zijn beëindigd.\ncb4mBewaar het, het wordt niet opnieuw getoond:\n0rsgVoor de account \n4qd1Uw tweede factoren worden ook verwijderd. Stel daarna inloggen in twee stappen opnieuw in.\nxxojSluiten\ny1iwUitloggen…\nm9a9Uitloggen is niet gelukt\ng5lwKopiëren\npuucDoorgaan\ntj2uniet versleuteld\n8jxqDeze server biedt mailprogramma’s geen toegang: IMAP en verzenden staan allebei uit.\nb8xpInkomend (IMAP)\nvckuUitgaand (SMTP)\nirsween app-wachtwoord, één voor elk programma. \nva05Maak er een\n57f9niet aangeboden\nyqutpoort {port}, {security}\nt7w6Al het andere op {domain}\njxuhDe server antwoordde {status} zonder een reden te geven.\nciu1De server is niet bereikbaar.\n6rxkDit is een belangrijke wijziging, dus geef je wachtwoord nog een keer op.\nvlcxBen jij het?\n66g7Tweede factor gebruiken\nklxsInloggen\nit03E-mailadres\nnt6iOp dit apparaat ingelogd blijven\np6bmInloggen bij {app}\nmxtuTerug\nc5azeen paar seconden\ns6va{n} seconden\nn84k{n} minuut|{n} minuten\n577c{n} uur|{n} uur\n51qcActies\nzcw5Gekopieerd\nrnanAlles tonen\ngh6dEen deel van deze pagina kon niet worden geladen. Probeer het opnieuw, of laad de pagina opnieuw.\naiokCode\nrpenHerstelcode\npizsCode van een app gebruiken\nvxlsHerstelcode gebruiken\nwi0xTyp een van je herstelcodes. Elke code werkt één keer.\nfhduGebruik je beveiligingssleutel.\ndwbuJe beveiligingssleutels werken niet op dit adres.\nq44vTyp de code van je app “{name}”.\n895nTyp een code van je app: {names}.\nt168De sleutel “{name}” werkt alleen op {host}.\ne29kNog één stap\ni6ldSleutel “{name}” gebruiken\nm379Beveiligingssleutel gebruiken\nl400De tijd van de server is \ntcl1Het eigen script van deze server gaf een fout\nfksygisteren {time}\n8ur1morgen {time}\nooy4{n} dag|{n} dagen\nf0gg{n} seconde|{n} seconden\nz027zojuist\nzxff{time} geleden\n6zmvDeze beveiligingssleutel is al ingesteld.\n4v0kGeen beveiligingssleutel antwoordde. Probeer het opnieuw, of kies een andere manier.\nhyvzVerplaatst naar {mailbox}\npwnxgeen", navigator.languages, "./errors-nl.56d320c81080.js", "./texts-nl.63257a29eb02.js", ["one"]);
})();
