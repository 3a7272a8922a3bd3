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
  globalThis.moxliteLanguage = language("de", "n44bGerät einrichten\nq76jSicherheit\n437cPasswort\nmwmjSpam\naqm8{n} Nachricht|{n} Nachrichten\n11axBenutzername\n9em3Abbrechen\nosecVerknüpfte Konten\n3d82Neues Passwort\nepybWird geladen…\nnxruÜbersicht\n0qdfAdressen\n0m2sMaskierte Adressen\nop6oRegeln\nrcyqAbwesenheit\nntvqWeiterleitung\n2491Sieve-Skripte\na15sAusgehend\nkdg5Import und Export\nvnnlGeteilte Ordner\nqep2Schlüssel und Webhooks\nsv5mWebmail\nnexoKonto\ntoqnSeiten\n83atAbmelden\nlvjeDas Konto kann nicht angezeigt werden\nvov0Webmail öffnen\nndxcSeite nicht verfügbar\np43gKonto\nomryDiese Seite konnte nicht geöffnet werden\n2hh6Erneut versuchen\ne7m4Auf dieser Seite ist ein Fehler aufgetreten\ng6m9Ihr Konto\nusp5Auf Telefon oder Computer\nb874„Gerät einrichten“ erledigt dies für Sie. Von Hand verwenden Sie:\nn2qqMailprogramme brauchen hier je ein eigenes App-Passwort.\ndsg2Mailinglisten, in denen Sie sind\n9scqSchreiben Sie ein Muster Ihrer Spam-Ordner neu. Es {reason}.\noieqSchreiben Sie ein Muster in den Regeln von {address} neu. Es {reason}.\njnlnSie sind abwesend: Wer Ihnen schreibt, erhält eine Antwort.\nv530Sie sind abwesend bis {time}: Wer Ihnen schreibt, erhält eine Antwort.\nfuaeBeenden oder ändern\nf342Eine Nachricht wurde behalten:\n18xnFehler in Ihrem Skript in Zeile {line}: {reason}.\nq5jmFehler in Ihrem Skript: {reason}.\ncuswSie finden die Nachricht im Posteingang.\n4cvuDie Weiterleitung an {address} wurde angehalten: Drei Tage lang kamen E-Mails zurück. Ihre E-Mails bleiben hier erhalten.\n4ztf{used} belegt, unbegrenzt\nloox{used} von {limit} belegt\np0jqSpeicher\nos0inach {mailbox}\ngcxk{n} Regel|{n} Regeln\nfgh4Domain ausgeschaltet\nppnflehnt alle E-Mails ab\n9o7lalle dürfen an sie schreiben\nncqgnur Mitglieder dürfen an sie schreiben\nzm7gSie dürfen mit ihr senden\na4pgihre Mitglieder werden nicht angezeigt\ny4onPasswort festlegen\nu7ctZur Anmeldung\nhj8gNeues Passwort erstellen\ntlesPasswort festlegen\nk8r7Ihr neues Passwort ist festgelegt. Alle anderen Sitzungen sind beendet.\ncb4mBewahren Sie es auf, es wird nicht noch einmal angezeigt:\n0rsgFür das Konto \n4qd1Ihre zweiten Faktoren werden ebenfalls entfernt. Richten Sie die Anmeldung in zwei Schritten danach neu ein.\nxxojSchließen\ny1iwAbmeldung…\nm9a9Abmelden nicht möglich\ng5lwKopieren\npuucWeiter\ntj2unicht verschlüsselt\n8jxqDieser Server bietet Mailprogrammen keinen Zugang: Weder IMAP noch der Versand ist eingeschaltet.\nb8xpEingehend (IMAP)\nvckuAusgehend (SMTP)\nirswein App-Passwort, je eines für jedes Programm. \nva05Eines erstellen\n57f9nicht angeboten\nyqutPort {port}, {security}\nt7w6Alles andere unter {domain}\njxuhDer Server antwortete mit {status}, ohne einen Grund zu nennen.\nciu1Der Server ist nicht erreichbar.\n6rxkDies ist eine wichtige Änderung. Geben Sie daher Ihr Passwort erneut ein.\nvlcxSind Sie es?\n3u4dMit {name} anmelden\n66g7Zweiten Faktor verwenden\nklxsAnmelden\nit03E-Mail-Adresse\nnt6iAuf diesem Gerät angemeldet bleiben\np6bmBei {app} anmelden\nmxtuZurück\nc5azeinige Sekunden\ns6va{n} Sekunden\nn84k{n} Minute|{n} Minuten\n577c{n} Stunde|{n} Stunden\n51qcAktionen\nzcw5Kopiert\nrnanAlle anzeigen\ngh6dEin Teil dieser Seite konnte nicht geladen werden. Versuchen Sie es erneut oder laden Sie die Seite neu.\naiokCode\nrpenWiederherstellungscode\npizsCode einer App verwenden\nvxlsWiederherstellungscode verwenden\nwi0xGeben Sie einen Ihrer Wiederherstellungscodes ein. Jeder gilt einmal.\nfhduVerwenden Sie Ihren Sicherheitsschlüssel.\ndwbuIhre Sicherheitsschlüssel funktionieren unter dieser Adresse nicht.\nq44vGeben Sie den Code Ihrer App „{name}“ ein.\n895nGeben Sie einen Code Ihrer App ein: {names}.\nt168Der Schlüssel „{name}“ funktioniert nur unter {host}.\ne29kNoch ein Schritt\ni6ldSchlüssel „{name}“ verwenden\nm379Sicherheitsschlüssel verwenden\nl400Zeit des Servers: \ntcl1Das eigene Skript dieses Servers ist fehlgeschlagen\nfksygestern {time}\n8ur1morgen {time}\nooy4{n} Tag|{n} Tagen\nf0gg{n} Sekunde|{n} Sekunden\nz027gerade eben\nzxffvor {time}\n6zmvDieser Sicherheitsschlüssel ist schon eingerichtet.\n4v0kKein Sicherheitsschlüssel hat geantwortet. Versuchen Sie es erneut oder wählen Sie einen anderen Weg.\nhyvzIn „{mailbox}“ verschoben\npwnxkeine", navigator.languages, "./errors-de.e5a11d3ee0fb.js", "./texts-de.dc7bd2983b4c.js", ["one"]);
})();
