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

  // lang-it.ts
  globalThis.moxliteLanguage = language("it", "n44bConfigura un dispositivo\nq76jSicurezza\n437cPassword\nmmuuCerca nelle impostazioni\nepybCaricamento…\nlvjeImpossibile mostrare l’account\nmwmjIndesiderata\naqm8{n} messaggio|{n} messaggi\n9em3Annulla\nosecCaselle collegate\n3d82Nuova password\n74c3Il tuo account\n9xzvNome, indirizzi, spazio\n0qdfIndirizzi\na15sIn uscita\n6aqsPosta in arrivo\nhd8hRegole, assenza, indesiderata\nop6oRegole\nrcyqAssenza\nntvqInoltro\n0m2sIndirizzi da dare\nr725Dispositivi e sicurezza\nt68fPassword, dispositivi, app\nnkm3Condivisione e importazione\nw9qoCaselle collegate, cartelle, importazione\nvnnlCartelle condivise\nkdg5Importa ed esporta\nbonnPer sviluppatori\ny7dfSieve, chiavi, webhook\n2491Script Sieve\nqep2Chiavi e webhook\nsv5mWebmail\nnexoaccount\ntoqnPagine\n83atEsci\nvov0La tua posta è nella webmail\nndxcNon mostrato\np43gAccount\nomryImpossibile mostrare questa pagina\n2hh6Riprova\ne7m4Qualcosa è andato storto in questa pagina\ny4onImposta la password\nu7ctVai all’accesso\nhj8gCrea una nuova password\ntlesImposta la password\nk8r7La nuova password è impostata. Tutte le altre sessioni sono terminate.\ncb4mConservala, non sarà mostrata di nuovo:\n0rsgPer l’account \n4qd1Anche i secondi fattori vengono rimossi. Poi configura di nuovo l’accesso in due passaggi.\nxxojChiudi\ny1iwUscita…\nm9a9Impossibile uscire\ng5lwCopia\npuucContinua\njxuhIl server ha risposto {status} senza dire perché.\nciu1Il server non è raggiungibile.\n6rxkÈ una modifica importante: inserisci di nuovo la password.\nvlcxSei tu?\n3u4dAccedi con {name}\n66g7Usa un secondo fattore\nklxsAccedi\nit03Indirizzo email\nnt6iResta connesso su questo dispositivo\np6bmAccedi a {app}\nmxtuIndietro\n51qcAzioni\nzcw5Copiato\nrnanMostra tutto\ngh6dImpossibile caricare una parte di questa pagina. Riprova, o ricarica la pagina.\naiokCodice\nrpenCodice di recupero\npizsUsa un codice di un’app\nvxlsUsa un codice di recupero\nwi0xScrivi uno dei tuoi codici di recupero. Ognuno vale una volta.\nfhduUsa la tua chiave di sicurezza.\ndwbuLe tue chiavi di sicurezza non funzionano a questo indirizzo.\nq44vScrivi il codice della tua app “{name}”.\n895nScrivi un codice della tua app: {names}.\nt168La chiave “{name}” funziona solo su {host}.\ne29kAncora un passaggio\ni6ldUsa la chiave “{name}”\nm379Usa una chiave di sicurezza\nl400L’ora del server è \ntcl1Lo script personalizzato di questo server non è riuscito\n6zmvQuesta chiave di sicurezza è già configurata.\n4v0kNessuna chiave di sicurezza ha risposto. Riprova, o scegli un altro modo.\nhyvzSpostato in {mailbox}\npwnxnessuno", navigator.languages, "./errors-it.2320b1001b5b.js", "./texts-it.3c8de2892df2.js", ["one"]);
})();
