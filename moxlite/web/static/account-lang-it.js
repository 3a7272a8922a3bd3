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
  globalThis.moxliteLanguage = language("it", "n44bConfigura un dispositivo\nq76jSicurezza\n437cPassword\nmwmjIndesiderata\naqm8{n} messaggio|{n} messaggi\n11axNome utente\n9em3Annulla\nosecCaselle collegate\n3d82Nuova password\nepybCaricamento…\nnxruPanoramica\n0qdfIndirizzi\n0m2sIndirizzi da dare\nop6oRegole\nrcyqAssenza\nntvqInoltro\n2491Script Sieve\na15sIn uscita\nkdg5Importa ed esporta\nvnnlCartelle condivise\nqep2Chiavi e webhook\nsv5mWebmail\nnexoaccount\ntoqnPagine\n83atEsci\nlvjeImpossibile mostrare l’account\nvov0La tua posta è nella webmail\nndxcNon mostrato\np43gAccount\nomryImpossibile mostrare questa pagina\n2hh6Riprova\ne7m4Qualcosa è andato storto in questa pagina\ng6m9Il tuo account\nusp5Sul telefono o computer\nb874“Configura un dispositivo” lo fa per te. Per farlo a mano, usa:\nn2qqQui i programmi di posta richiedono una password per app, una per ciascuno.\ndsg2Liste a cui sei iscritto\n9scqRiscrivi un’espressione delle cartelle di posta indesiderata. {reason}.\noieqRiscrivi un’espressione nelle regole di {address}. {reason}.\njnlnSei assente: chi ti scrive riceve una risposta.\nv530Sei assente: chi ti scrive riceve una risposta. Fino a {time}.\nfuaeTermina o modifica\nf342Un messaggio è stato conservato:\n18xnIl tuo script non è riuscito alla riga {line}: {reason}.\nq5jmIl tuo script non è riuscito: {reason}.\ncuswIl messaggio è stato conservato.\n4cvuNon si invia più nulla a {address}: la posta è tornata indietro per tre giorni. La tua posta è conservata qui.\n4ztf{used} usati, nessun limite\nloox{used} di {limit} usati\np0jqSpazio\nos0iin {mailbox}\ngcxk{n} regola|{n} regole\nfgh4dominio disattivato\nppnfrifiuta tutta la posta\n9o7lchiunque può scrivervi\nncqgsolo i membri possono scrivervi\nzm7gpuoi inviare a suo nome\na4pgi suoi membri non sono mostrati\ny4onImposta la password\nu7ctVai all’accesso\nhj8gCrea una nuova password\ntlesImposta la password\nk8r7La nuova password è impostata. Tutte le altre sessioni sono terminate.\ncb4mConservala, non sarà mostrata di nuovo:\n0rsgPer l’account \n4qd1Anche i secondi fattori vengono rimossi. Poi configura di nuovo l’accesso in due passaggi.\nxxojChiudi\ny1iwUscita…\nm9a9Impossibile uscire\ng5lwCopia\npuucContinua\ntj2unon cifrato\n8jxqQuesto server non offre accesso ai programmi di posta: né IMAP né l’invio sono attivi.\nb8xpIn arrivo (IMAP)\nvckuIn uscita (SMTP)\nirswuna password per app, una per ogni programma. \nva05Creane una\n57f9non offerto\nyqutporta {port}, {security}\nt7w6Tutto il resto a {domain}\njxuhIl server ha risposto {status} senza dire perché.\nciu1Il server non è raggiungibile.\n6rxkÈ una modifica importante: inserisci di nuovo la password.\nvlcxSei tu?\n66g7Usa un secondo fattore\nklxsAccedi\nit03Indirizzo email\nnt6iResta connesso su questo dispositivo\np6bmAccedi a {app}\nmxtuIndietro\nc5azalcuni secondi\ns6va{n} secondi\nn84k{n} minuto|{n} minuti\n577c{n} ora|{n} ore\n51qcAzioni\nzcw5Copiato\nrnanMostra tutto\ngh6dImpossibile caricare una parte di questa pagina. Riprova, o ricarica la pagina.\naiokCodice\nrpenCodice di recupero\npizsUsa un codice di un’app\nvxlsUsa un codice di recupero\nwi0xScrivi uno dei tuoi codici di recupero. Ognuno vale una volta.\nfhduUsa la tua chiave di sicurezza.\ndwbuLe tue chiavi di sicurezza non funzionano a questo indirizzo.\nq44vScrivi il codice della tua app “{name}”.\n895nScrivi un codice della tua app: {names}.\nt168La chiave “{name}” funziona solo su {host}.\ne29kAncora un passaggio\ni6ldUsa la chiave “{name}”\nm379Usa una chiave di sicurezza\nl400L’ora del server è \ntcl1Lo script personalizzato di questo server non è riuscito\nfksyieri {time}\n8ur1domani {time}\nooy4{n} giorno|{n} giorni\nf0gg{n} secondo|{n} secondi\nz027proprio ora\nzxff{time} fa\n6zmvQuesta chiave di sicurezza è già configurata.\n4v0kNessuna chiave di sicurezza ha risposto. Riprova, o scegli un altro modo.\nhyvzSpostato in {mailbox}\npwnxnessuno", navigator.languages, "./errors-it.53921eee3bdf.js", "./texts-it.4581b91ef7de.js", ["one"]);
})();
