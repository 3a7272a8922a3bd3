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
  globalThis.moxliteLanguage = language("it", "n44bConfigura un dispositivo\nq76jSicurezza\n437cPassword\nmwmjIndesiderata\naqm8{n} messaggio|{n} messaggi\n9em3Annulla\nosecCaselle collegate\n3d82Nuova password\nepybCaricamento…\nnxruPanoramica\n0qdfIndirizzi\ngaxaPosta\n0m2sIndirizzi da dare\nop6oRegole\njse3Assenza\nntvqInoltro\n2491Script Sieve\na15sIn uscita\nkdg5Importa ed esporta\n65moAltro\nvnnlCartelle condivise\nqep2Chiavi e webhook\nsv5mWebmail\nnexoaccount\ntoqnPagine\n83atEsci\nlvjeImpossibile mostrare l’account\n60qoLa tua posta è nella webmail\n2b7bNon mostrato\np43gAccount\nkwg5Impossibile mostrare questa pagina\n2hh6Riprova\nrt5qQualcosa è andato storto in questa pagina\ng6m9Il tuo account\nusp5Sul telefono o computer\n42fn“Configura un dispositivo” lo fa per te. Per farlo a mano, usa:\nn2qqQui i programmi di posta richiedono una password per app, una per ciascuno.\ni9jcListe a cui sei iscritto\noh8nRiscrivi un’espressione delle cartelle di posta indesiderata.\ncajpRiscrivi un’espressione nelle regole di {address}.\njnlnSei assente: chi ti scrive riceve una risposta.\n2a5rFino a\nlkh2Termina o modifica\nqsukUn messaggio è stato conservato:\n3bhxIl tuo script non è riuscito alla riga {line}:\nukugIl tuo script non è riuscito:\nksf4Il messaggio è stato conservato.\nrf76Non si invia più nulla a\nq3q2: la posta è tornata indietro per tre giorni. La tua posta è conservata qui.\n4ztf{used} usati, nessun limite\nloox{used} di {limit} usati\np0jqSpazio\nos0iin {mailbox}\ngcxk{n} regola|{n} regole\nfgh4dominio disattivato\nppnfrifiuta tutta la posta\nkjbschiunque può scrivervi\na7f4solo i membri possono scrivervi\nix9cpuoi inviare a suo nome\nh0z0i suoi membri non sono mostrati\ny4onImposta la password\nu7ctVai all’accesso\nwhpvCrea una nuova password\n5t41Imposta la password\nsfi3La nuova password è impostata. Tutte le altre sessioni sono terminate.\nxqw6Conservala, non sarà mostrata di nuovo:\n0rsgPer l’account \n4qd1Anche i secondi fattori vengono rimossi. Poi configura di nuovo l’accesso in due passaggi.\nxxojChiudi\ny1iwUscita…\nm9a9Impossibile uscire\ng5lwCopia\ntj2unon cifrato\n8jxqQuesto server non offre accesso ai programmi di posta: né IMAP né l’invio sono attivi.\nb8xpIn arrivo (IMAP)\nvckuIn uscita (SMTP)\n9jitNome utente\nz36wuna password per app, una per ogni programma. \ntek7Creane una\n2rvdnon offerto\nyqutporta {port}, {security}\nt7w6Tutto il resto a {domain}\nw8sjIl server ha risposto {status} senza dire perché.\nfu55Il server non è raggiungibile.\nk3u3È una modifica importante: inserisci di nuovo la password.\nn1gySei tu?\npuucContinua\n66g7Usa un secondo fattore\nklxsAccedi\nit03Indirizzo email\nhrj8Resta connesso su questo dispositivo\np6bmAccedi a {app}\nmxtuIndietro\nc5azalcuni secondi\ns6va{n} secondi\nn84k{n} minuto|{n} minuti\n577c{n} ora|{n} ore\n51qcAzioni\nzcw5Copiato\nrnanMostra tutto\nrcmkImpossibile caricare una parte di questa pagina. Riprova, o ricarica la pagina.\naiokCodice\nrpenCodice di recupero\n0sanUsa un codice di un’app\ndsdbUsa un codice di recupero\ndy8iScrivi uno dei tuoi codici di recupero. Ognuno vale una volta.\nfhduUsa la tua chiave di sicurezza.\ndwbuLe tue chiavi di sicurezza non funzionano a questo indirizzo.\n8o22Scrivi il codice della tua app “{name}”.\nepheScrivi un codice della tua app: {names}.\nxp16La chiave “{name}” funziona solo su {host}.\nozbeAncora un passaggio\n093cUsa la chiave “{name}”\nudigUsa una chiave di sicurezza\nl400L’ora del server è \ntcl1Lo script personalizzato di questo server non è riuscito\nfksyieri {time}\n8ur1domani {time}\nooy4{n} giorno|{n} giorni\nf0gg{n} secondo|{n} secondi\nz027proprio ora\nzxff{time} fa\nooknQuesta chiave di sicurezza è già configurata.\nw14tNessuna chiave di sicurezza ha risposto. Riprova, o scegli un altro modo.\nhyvzSpostato in {mailbox}\npwnxnessuno", navigator.languages, "./errors-it.c1c15f487265.js", "./texts-it.03f0e2a2291e.js", ["one"]);
})();
