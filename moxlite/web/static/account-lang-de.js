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

  // lang-de.ts
  globalThis.moxliteLanguage = language("de", "n44bGerät einrichten\nq76jSicherheit\n437cPasswort\nmmuuEinstellungen durchsuchen\nepybWird geladen…\nlvjeDas Konto kann nicht angezeigt werden\nmwmjSpam\naqm8{n} Nachricht|{n} Nachrichten\n9em3Abbrechen\nosecVerknüpfte Konten\n3d82Neues Passwort\n74c3Ihr Konto\n9xzvName, Adressen, Speicherplatz\n0qdfAdressen\na15sAusgehend\n6aqsEingehende E-Mails\nhd8hRegeln, Abwesenheit, Spam\nop6oRegeln\nrcyqAbwesenheit\nntvqWeiterleitung\n0m2sMaskierte Adressen\nr725Geräte und Sicherheit\nt68fPasswort, Geräte, Programme\nnkm3Freigaben und Import\nw9qoVerknüpfte Konten, Ordner, Import\nvnnlGeteilte Ordner\nkdg5Import und Export\nbonnFür Entwickler\ny7dfSieve, Schlüssel, Webhooks\n2491Sieve-Skripte\nqep2Schlüssel und Webhooks\nsv5mWebmail\nnexoKonto\ntoqnSeiten\n83atAbmelden\nvov0Webmail öffnen\nndxcSeite nicht verfügbar\np43gKonto\nomryDiese Seite konnte nicht geöffnet werden\n2hh6Erneut versuchen\ne7m4Auf dieser Seite ist ein Fehler aufgetreten\ny4onPasswort festlegen\nu7ctZur Anmeldung\nhj8gNeues Passwort erstellen\ntlesPasswort festlegen\nk8r7Ihr neues Passwort ist festgelegt. Alle anderen Sitzungen sind beendet.\ncb4mBewahren Sie es auf, es wird nicht noch einmal angezeigt:\n0rsgFür das Konto \n4qd1Ihre zweiten Faktoren werden ebenfalls entfernt. Richten Sie die Anmeldung in zwei Schritten danach neu ein.\nxxojSchließen\ny1iwAbmeldung…\nm9a9Abmelden nicht möglich\ng5lwKopieren\npuucWeiter\njxuhDer Server antwortete mit {status}, ohne einen Grund zu nennen.\nciu1Der Server ist nicht erreichbar.\n6rxkDies ist eine wichtige Änderung. Geben Sie daher Ihr Passwort erneut ein.\nvlcxSind Sie es?\n3u4dMit {name} anmelden\n66g7Zweiten Faktor verwenden\nklxsAnmelden\nit03E-Mail-Adresse\nnt6iAuf diesem Gerät angemeldet bleiben\np6bmBei {app} anmelden\nmxtuZurück\n51qcAktionen\nzcw5Kopiert\nrnanAlle anzeigen\ngh6dEin Teil dieser Seite konnte nicht geladen werden. Versuchen Sie es erneut oder laden Sie die Seite neu.\naiokCode\nrpenWiederherstellungscode\npizsCode einer App verwenden\nvxlsWiederherstellungscode verwenden\nwi0xGeben Sie einen Ihrer Wiederherstellungscodes ein. Jeder gilt einmal.\nfhduVerwenden Sie Ihren Sicherheitsschlüssel.\ndwbuIhre Sicherheitsschlüssel funktionieren unter dieser Adresse nicht.\nq44vGeben Sie den Code Ihrer App „{name}“ ein.\n895nGeben Sie einen Code Ihrer App ein: {names}.\nt168Der Schlüssel „{name}“ funktioniert nur unter {host}.\ne29kNoch ein Schritt\ni6ldSchlüssel „{name}“ verwenden\nm379Sicherheitsschlüssel verwenden\nl400Zeit des Servers: \ntcl1Das eigene Skript dieses Servers ist fehlgeschlagen\n6zmvDieser Sicherheitsschlüssel ist schon eingerichtet.\n4v0kKein Sicherheitsschlüssel hat geantwortet. Versuchen Sie es erneut oder wählen Sie einen anderen Weg.\nhyvzIn „{mailbox}“ verschoben\npwnxkeine", navigator.languages, "./errors-de.ef1592efa605.js", "./texts-de.f5c2a1b76855.js", ["one"]);
})();
