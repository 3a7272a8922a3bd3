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
  globalThis.moxliteLanguage = language("nl", "n44bApparaat instellen\nq76jBeveiliging\n437cWachtwoord\nmmuuInstellingen doorzoeken\nepybLaden…\nlvjeDe account kan niet worden getoond\nmwmjSpam\naqm8{n} bericht|{n} berichten\n9em3Annuleren\nosecGekoppelde postvakken\n3d82Nieuw wachtwoord\n74c3Uw account\n9xzvNaam, adressen, opslag\n0qdfAdressen\na15sUitgaand\n6aqsInkomende e-mail\nhd8hRegels, afwezigheid, spam\nop6oRegels\nrcyqAfwezigheid\nntvqDoorsturen\n0m2sAdressen om weg te geven\nr725Apparaten en beveiliging\nt68fWachtwoord, apparaten, apps\nnkm3Delen en importeren\nw9qoGekoppelde postvakken, mappen, import\nvnnlGedeelde mappen\nkdg5Importeren en exporteren\nbonnVoor ontwikkelaars\ny7dfSieve, sleutels, webhooks\n2491Sieve-scripts\nqep2Sleutels en webhooks\nsv5mWebmail\nnexoaccount\ntoqnPagina’s\n83atUitloggen\nvov0Uw e-mail staat in de webmail\nndxcNiet getoond\np43gAccount\nomryDeze pagina kan niet worden getoond\n2hh6Opnieuw proberen\ne7m4Er ging iets mis op deze pagina\ny4onWachtwoord instellen\nu7ctNaar het inloggen\nhj8gNieuw wachtwoord maken\ntlesWachtwoord instellen\nk8r7Uw nieuwe wachtwoord is ingesteld. Alle andere sessies zijn beëindigd.\ncb4mBewaar het, het wordt niet opnieuw getoond:\n0rsgVoor de account \n4qd1Uw tweede factoren worden ook verwijderd. Stel daarna inloggen in twee stappen opnieuw in.\nxxojSluiten\ny1iwUitloggen…\nm9a9Uitloggen is niet gelukt\ng5lwKopiëren\npuucDoorgaan\njxuhDe server antwoordde {status} zonder een reden te geven.\nciu1De server is niet bereikbaar.\n6rxkDit is een belangrijke wijziging, dus geef je wachtwoord nog een keer op.\nvlcxBen jij het?\n3u4dInloggen met {name}\n66g7Tweede factor gebruiken\nklxsInloggen\nit03E-mailadres\nnt6iOp dit apparaat ingelogd blijven\np6bmInloggen bij {app}\nmxtuTerug\n51qcActies\nzcw5Gekopieerd\nrnanAlles tonen\ngh6dEen deel van deze pagina kon niet worden geladen. Probeer het opnieuw, of laad de pagina opnieuw.\naiokCode\nrpenHerstelcode\npizsCode van een app gebruiken\nvxlsHerstelcode gebruiken\nwi0xTyp een van je herstelcodes. Elke code werkt één keer.\nfhduGebruik je beveiligingssleutel.\ndwbuJe beveiligingssleutels werken niet op dit adres.\nq44vTyp de code van je app “{name}”.\n895nTyp een code van je app: {names}.\nt168De sleutel “{name}” werkt alleen op {host}.\ne29kNog één stap\ni6ldSleutel “{name}” gebruiken\nm379Beveiligingssleutel gebruiken\nl400De tijd van de server is \ntcl1Het eigen script van deze server gaf een fout\n6zmvDeze beveiligingssleutel is al ingesteld.\n4v0kGeen beveiligingssleutel antwoordde. Probeer het opnieuw, of kies een andere manier.\nhyvzVerplaatst naar {mailbox}\npwnxgeen", navigator.languages, "./errors-nl.64d58f7a7d37.js", "./texts-nl.346260f073cf.js", ["one"]);
})();
