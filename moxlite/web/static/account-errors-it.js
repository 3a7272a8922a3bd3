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

var inWords2 = (error) => inWords(error, `1up7nwil’impostazione {name} non esiste
1gyoozkrichiede troppo tempo sulla tua posta: una consegna la tralascerebbe. Semplifica le sue espressioni
1w9q88e{address} non è un indirizzo di questo account
0k62836questo account non c’è più
00ckyvxla coda della posta in uscita è fuori servizio; l’amministratore trova il motivo nel registro
0njcjt2non è il nome di un server, come imap.example.org
0i6sigjè vuoto: indica il nome utente sull’altro server
1u6327iè vuota: indica la password sull’altro server
0phkbreun server si contatta senza cifratura solo nella rete del server stesso, e qui non è permesso
1u27402non ha un fuso orario
0j2qcepè vuoto: indica l’indirizzo dell’altro server
0tpfktwdeve avere da 1 a 64 caratteri stampabili
1k1cj5yè già il nome di una password per app
02dq0cmun altro dispositivo viene configurato in questo momento
0owwkbmquesto codice di configurazione è scaduto; creane uno nuovo
1buwl7oquesto link è già stato usato, o i suoi dieci minuti sono passati; creane uno nuovo nella pagina dell’account
0oxdmd2la password di questo account non si può scegliere, solo generare; l’ha stabilito l’amministratore
0zhnjh5questa sessione è già terminata
1hdv67tafter: questa non è una posizione dell’elenco
0n87wf9non è un URL http o https
0tzy6jddeve essere ASCII stampabile
1n7cz00il filtro sta già imparando
1ytr327questo account non ha un filtro: prima attivalo e salva
0ez27miLa posta a {own} deve essere inoltrata a {target}?
09f55nm{name}: {reason}
16yu4n3{place}: sono possibili al massimo {limit} caratteri
18c20f1{place}: non può essere vuoto
1tq358x{place}: servono almeno {limit} caratteri
002g0vy{place}: sono possibili al massimo {limit} voci
0l7tx11{place}: scegli almeno una voce
1kpkgd6{place}: servono almeno {limit} voci
1f73g7l{place}: è atteso un numero fino a {limit}
10vsbyl{place}: è atteso un numero da {limit} in su
0gntdygla chiamata {name} non esiste
0hj3kenIdempotency-Key: deve avere da 1 a {most} caratteri ASCII stampabili
1fdrm5fil server è stato riavviato e non sappiamo se l’operazione sia stata eseguita; controlli prima di riprovare
0t5nuhz{address}: {reason}
0dclgqsgli allegati sono più grandi di quanto possa essere un messaggio ({max_size} MiB)
1vc8ybn{field}: {reason}
1k533oxil messaggio è più grande di {max_size} MiB
0c6ydnqquesta bozza è stata modificata o eliminata altrove
0mk634fquesto messaggio è già stato inviato
0n3d1mmhtml: {reason}
0cv1nhcora il testo non si può preparare: {reason}
0rdx6znla conferma di lettura è già stata inviata o rifiutata
1k72a4qsend_at: non puoi programmare messaggi da {address}
1yglgi4l’intestazione del messaggio è troppo lunga
1wb063s{field}: questo orario è passato
0krccga{field}: scegli un orario entro i prossimi {longest} giorni
0u3f4u9non puoi più inviare da questo indirizzo; scegline un altro
0h6ymntSei disconnesso. Accedi di nuovo.
06xsuw2il modulo di accesso è troppo vecchio, o il browser non invia cookie{hint}
1qd2wdmmanca il token CSRF
0hbb0guÈ durato troppo, o il server è stato riavviato. Ricomincia.
1jiq92jQuesto codice non è giusto. Confronta l’ora del tuo dispositivo con quella del server.
0219a1mQuesto metodo di verifica è già stato rimosso.
0yqcajwI codici di recupero servono per l’accesso in due passaggi: prima aggiungi un’app o una chiave di sicurezza.
040an6nC’è già un dispositivo con questo nome.
07gdaqvLa chiave di sicurezza non si può aggiungere: {reason}.
1hoi77qQuesto account ha l’accesso in due passaggi, ma i suoi secondi fattori sono persi. Chiedi al proprietario di questo server di eseguire: moxlite account reset-second-factor
0icxti0Questo accesso è durato troppo, o il server è stato riavviato. Inserisci di nuovo la password.
06tubmqchiave sconosciuta
0qsicmkle chiavi di sicurezza funzionano solo con un nome di server e https
0a0ktgwil file è più grande di quanto possa essere un’importazione ({most} ottetti)
1nbit3wquesta importazione non esiste, o è finita da oltre un minuto
0jda7itun’importazione in questo account è già in corso
12dsnyuil modulo ha un campo sconosciuto {name}
1nk9sxuquesto non è un file importabile: un file zip o tar.gz con posta, un file tar, un mbox o un messaggio (.eml)
12r547ngli archivi si importano solo nelle tue cartelle, perché possono crearne altre
15uoljhmailbox: {reason}
15fhk68labels: {reason}
11wp3l1labels: sono più di {most}
12e88ws{name}: è atteso 1 o 0
0nns9lsè atteso un modulo con un file: multipart/form-data
1t5n13fil disco del server non ha spazio per questo file
05677l8il file ha impiegato troppo ad arrivare
0lj2e1ril modulo non ha file
1k9ji4uil modulo non è completo, o non si può leggere: {reason}
0e033csil file è più grande di quanto possa essere un’importazione ({limit} ottetti)
0n6cpf7il modulo ha diversi campi {name}
1cb3zwlsono più di {most} file: mettili in uno solo
0ze9vacil campo {name} è troppo lungo
14ddsejImpossibile verificare la risposta del fornitore di accesso. Riprova. Il registro del server indica il motivo.
1izhgh1Questo accesso ha richiesto troppo tempo o è iniziato in un altro browser. Accedi di nuovo.
1fbickwimpossibile verificare la risposta del provider di accesso
1wfy368Sei stato disconnesso. Accedi di nuovo.
1s5fy1hIl fornitore di accesso non ha chiesto un nuovo accesso. Inserisci la password o chiedi all’amministratore.
1jnozqwUn’altra persona ha effettuato l’accesso presso il fornitore. Riprova con il tuo accesso.
114jf13accesso al provider come un’altra persona
0p215ilL’accesso tramite un fornitore non è configurato qui.
10c8grbHa annullato l’accesso, oppure il fornitore di accesso non l’ha consentito.
1gry4z1Il fornitore di accesso ha un problema. Riprova più tardi o accedi con la password.
19nnxpvIl fornitore di accesso ha rifiutato l’accesso: {code}. Riprova o chiedi all’amministratore.
1d0tkdrIl fornitore di accesso non risponde. Accedi con la password. Se non ne hai una, chiedi un link di recupero all’amministratore.
1jj9wp7Impossibile collegare: {reason}.
1jt72qiQuesto accesso è già stato scollegato.
0rbg1naL’indirizzo o la password non è giusta.
0dk0pn7La password non è giusta.
08m5shpInserisci prima di nuovo la password o un secondo fattore.
0d26222Questo accesso non è ancora collegato a un account. Accedi con la password, poi collegalo in Sicurezza nella pagina del tuo account.
1dj4o1xquesta sessione non viene conservata, quindi la pagina dell’account richiede un accesso proprio
1pwsndvQuesto dispositivo è stato disconnesso perché non usato per 30 giorni, o perché il suo accesso ha 180 giorni. Accedi di nuovo.
143frawSei stato disconnesso dopo 24 ore senza uso. Accedi di nuovo.
1h14nd2Questo dispositivo è stato disconnesso per la tua sicurezza: è stata usata una vecchia copia del suo accesso, da qualcun altro o da un backup ripristinato del browser. Se non sai di un backup, guarda gli accessi nel tuo account. Accedi di nuovo.
10cxyygNessuna password di amministratore impostata. Esegui sul server: moxlite admin set-password
0i03qckAccedi: l’accesso della webmail non si è potuto usare qui.
0rna7ail’account non ha spazio: {used} di {limit} {unit} sono usati
111h8xoil proprietario di questa cartella non ti permette di toglierne messaggi
1txu1umil proprietario di questa cartella non ti permette di segnare messaggi come letti o non letti
16qwii2il proprietario di questa cartella non ti permette di modificare contrassegni ed etichette
08prwduil proprietario di questa cartella non ti permette di mettervi messaggi
02ok99qil proprietario di questa cartella non te lo permette
0f70i4rattachments: {reason}
1dvalhzil disco del server è pieno
0rioi7win questo momento il server non accetta modifiche, mostra soltanto; riprova tra un minuto
0tezireil server è occupato, riprova tra un momento
09o8jv0l’archivio di questo account non risponde come dovrebbe
0pcsm40la lettura è durata troppo, riprova
0xrsovala pagina dell’account non è a questo indirizzo
1mjd47ai messaggi non caricati si modificano solo dove tutto è tuo
0xky99asi silenziano e comprimono discussioni: solo per ciò che è tuo
1r1isbpsince: è atteso un numero
1czzj1jnel frattempo l’evento è stato modificato
1s0kfajil contatto è stato modificato o eliminato altrove
0h1prvkpuoi controllare la disponibilità per al massimo 31 giorni alla volta
19k6y8yil file non si può leggere: {reason}
1ovtddjil testo di questo messaggio non si può leggere per scrivere: {reason}
1l11ep3Il testo del messaggio non è citato. {reason}
1a32isladdress: {reason}
0f0oc23Ha più destinatari di quanti un messaggio possa averne: questi sono i primi {most}.
1tsby2dquesto contatto è stato eliminato
01fu28ucard: è attesa una vCard
1ml1gogsi modificano contatti: solo per ciò che è tuo
1qtx7bgphoto: serve un JPEG, PNG, GIF o WebP di al massimo 128 KiB
0tvagm9name: un contatto richiede un nome o un indirizzo
0ymc8eisi dice come è arrivata la posta: solo per ciò che è tuo
1i7n9idsolo il proprietario del calendario può modificare gli eventi privati
18qe6wxquesto calendario è stato eliminato
0g72o35questo evento è stato eliminato
1l2slxaimpossibile aggiungere l’evento al calendario, quindi la risposta non è stata inviata: {reason}
0zxhn8rnon puoi rispondere perché non puoi inviare da {address}
148wd2pcalendar: {reason}
1l8h0uaun evento resta nei calendari del suo proprietario
0ke5z14solo l’organizzatore modifica questo evento; gli avvisi, e se sei occupato, sono tuoi
056b372start: gli eventi e le loro ripetizioni devono essere negli anni da 1 a 9999
1k3uo3hnon sei invitato a questo evento
0v8yfrlinserisci un nome per il gruppo
0pd5lruil messaggio {missing} non c’è, o non più
0hd5eb9non è un invito a cui si possa rispondere
0e5oze7nessuno dei tuoi indirizzi è invitato
0n4tdniora il calendario non si è potuto leggere
0gbjgykl’evento finisce prima di iniziare
12apt7dquesta parte non esiste
051c5zjcalendar: ha più di 1 MiB
030lrs2start: questo giorno non esiste
1u9gsz2name: un’etichetta richiede un nome
0eyizhnun’altra etichetta si chiama {name}
0sktfopci sono già {most} etichette con un nome
1jdkxxtquesta non è un’etichetta
1mhv4kusolo {writer} può cambiare l'ora di questo messaggio
11bywyrsi posticipano messaggi: solo per ciò che è tuo
09bswz1nessuna cartella è usata come Archivio
04iwxh2ci si cancella da liste: solo per ciò che è tuo
1wdo9bkquesto messaggio non offre un tale modo
0351oamsi inviano conferme: solo per ciò che è tuo
10xuhgsquesto messaggio non chiede una conferma di lettura, o ha già avuto risposta
11kyxevquesta regola non va più proposta
0iui6b7per creare regole serve un indirizzo
1equndyquesto messaggio non ha un mittente che una regola possa nominare
0qf2f4u{recipient} arriva tramite il catchall {destination}: aggiungilo prima agli indirizzi dell’account
0i9mfy5{destination} non è più un indirizzo dell’account
10sm04ynel frattempo le regole di questo indirizzo sono state modificate
0zfeuyx{destination} ha già {most} regole
06m4y9huna cartella condivisa si cerca solo come elenco
0mlhh1pora la coda del server non si può usare
16551haquesta rubrica è stata eliminata
1n78uiyquesta rubrica ha già il contatto
0oly5btrecurrence: non è una ricorrenza della serie
04ivkc8zone: questo fuso orario è sconosciuto
0lddaaflink: deve essere un indirizzo http:// o https://
0larlh2invitati: non è un indirizzo completo
00cgxi9request: un flusso inizia con una ricerca
0brx1eltoken non valido
13fticgnessun flusso {stream_id}
0zvugsbuna nuova vista richiede una ricerca
1amfbwhQuesta cartella non c’è più.
0mlyp8mLe conversazioni di questo account vengono ancora composte.
0ktvbrkQuesta cartella al momento non si può leggere.
05hewt9questi messaggi sono già in questa cartella
183zaaaranges: solo nell’ordine di ricezione
06owry3flags: ne serve almeno uno
0dbg7wkil messaggio {message_id} è già in questa cartella
05sy0ucciò che attende l’invio si può spostare solo nel proprio cestino
0f79kq0Ti vengono già mostrati quattro messaggi; riprova quando ci sono.
00wwj1qTi vengono già inviati quattro file; attendi che uno arrivi, o interrompilo.
1ilsamqSi stanno importando altri file; riprova tra un minuto.
0121auf{host} non è raggiungibile: {reason}
112ujbj{host} ha rifiutato con stato {status}
11ukzn4troppi accessi non riusciti, riprova più tardi
0k7eeshutente o password errati
1c8snduusa una password per app: la tua password vale solo per le pagine web
0hj54khpassword errata
0t7685sil token è scaduto
1ed3b6zcertificato del client sconosciuto
009td2tquesto certificato client non appartiene all’account
0lmj35pnessun account è collegato a questo accesso
0kyaigmquesto account è stato eliminato
0x0vtzaQuesto codice non è giusto, o è già stato usato. Attendi il prossimo.
1jy6iouLa risposta di questa chiave di sicurezza non è giusta.
1xrxv0pQuesto codice di recupero non è giusto, o è già stato usato.
0isua9xi gestori di password richiedono un token, che non può fare altro
11vz01xun token non si può usare per {scope}
1ccn3jfil nome di una password per app ha da 1 a {most} caratteri stampabili
0jkbajluna password per app richiede qualcosa per cui usarla
1ei67rjuna password per app di sola lettura non si può usare per inviare
09ha7csesiste già una password per app {name}
1ys94mvquesto account ha già {most} token
1nm3tcmquesto account ha già {most} password per app
13f50qyuna password per app non può scadere nel passato
03d22n6una password richiede almeno {most} caratteri
1n8dop1una password non può superare {most} ottetti
15d741xil nome di un dispositivo ha da 1 a {most} caratteri stampabili
0o89emrquesta chiave di sicurezza è già in uso
1omzbxsc’è già un dispositivo {name}
1crf6tzquesto account ha già {most} app di autenticazione o chiavi di sicurezza
0287eadcertificato non trovato
1u4qomjil certificato è troppo lungo
1wri568questo non è un certificato X.509 leggibile
0b8hhwvle chiavi RSA richiedono almeno {most} bit, questa ne ha {key_size}
0b66sm7le chiavi sulla curva {name} non sono accettate
1cjfil9le chiavi di questo tipo non sono accettate
1o4kzigcontiene una chiave privata; tienila per te e invia solo il risultato del comando
055ys9anon è una richiesta di certificato; incolla tutto il risultato del comando
0q2u8csnon è stata firmata con la chiave privata di questo certificato
1l36hs7è per un altro account o è scaduta; richieda un nuovo comando
0nenw3qquesto account ha già {most} certificati client
0cxzzi1questa chiave appartiene già a un account
0q7s68cè vuoto
1vzytygquesta password è troppo comune; scegline un’altra
0wkz4imquesta password si può indovinare da indirizzo, nome o server; scegline un’altra
03s4rfnun allegato non è più sul server, allegalo di nuovo
00skfeutroppi file allegati alle bozze
1b87fc0il proprietario non vuole questa posta
0xhnamail titolare dell’indirizzo non l’ha ancora confermato
1rzr48vl’inoltro a questo indirizzo è sospeso: {error}
1s35wmbl’inoltro a questo indirizzo è sospeso
1rvbzpw{count} messaggi sono stati inoltrati in 24 ore
0nnedf7limite di {limit} {what} in 24 ore raggiunto (impostazione {setting})
1h9yzlhmessaggi
0bqyyz7destinatari mai contattati prima
1vn8g2cè troppo tardi, il messaggio è in viaggio
08xrknmquesto messaggio è stato annullato altrove ed è di nuovo una bozza
1h7wqxsnon inoltrato a {address}, ma conservato: {reason}
0xae1hklo script {name} non esiste
0cnuflhesiste già uno script {name}
0wgwy92lo script {name} è attivo
0ap4s77un account ha al massimo {most} script
0pn3475l’invio da questo account è fermo dal {when}, perché sembra che lo usi un estraneo; ciò che hai inviato prima attende; avvisa l’amministratore del server di posta, e cambia la password
1xbe4c3al massimo {most} caratteri di testo e {subject} di oggetto
0knh661qui non sono permessi caratteri di controllo
00n2jwvè vuota: scrivi la risposta
0wrfs4sè prima dell’inizio
0cyzdadè già passato
1tj622wpuoi aggiungere fino a {most} indirizzi
15jbt6hnon è un indirizzo di posta: {reason}
1cwlmuql’account {name} non esiste
0n8rrt9l’account {name} viene eliminato
11w87e2limite superato: {name}
0svr70hUID della cartella {mailbox}; danne di nuovi con: moxlite store reassign-uids
116lwjgla cartella {mailbox} non esiste
1mnwh7mla cartella {name} esiste già
06ncmw1la cartella {name} ne contiene altre
1on6ph4il messaggio {message_id} non esiste
0vtxdf6nel frattempo è stato modificato, e nulla è stato salvato: {text}
1vi9gw3questo calendario viene letto da altrove e non può essere modificato qui
1puqnlbnon è più conservato, o è già stato ripristinato
01zdxjcsei l’organizzatore di questo evento, quindi può stare solo nei tuoi calendari
1vdizrpper modificare qui un evento con ospiti, ti serve l’autorizzazione a inviare da {address}
00gdv0gquesto link è già stato ritirato
1ceed8wil proprietario di questo calendario ti permette di leggerlo, non di modificarlo
0j2wzgxil proprietario di questa rubrica ti permette di leggerla, non di modificarla
0c0bpmutroppi messaggi posticipati
1qv2p05troppi messaggi programmati
1sl5xkpil proprietario ha sempre tutti i diritti
1ezdg2a{name} è una cartella del server, e non si può condividere
18vo7v8puoi condividere una cartella con al massimo {most} altri
17v5pyktroppe parole chiave in questo messaggio
1tahiz6le annotazioni sono troppo grandi
1jzocmrtroppe parole chiave in questa cartella
19z8xs5al massimo {most} account possono inviare da un account
087byelaccount collegato non trovato: {name}
194swh7troppi account collegati
1kqotkjquesto account è già collegato
078wjafuna tua cartella ha questo nome: indicane un altro
1j302mmindica un nome senza {separator}
0xxntfpun altro account collegato ha questo nome
0agfgzail nome {name} è riservato alle cartelle di altri utenti
0q9x9oipuoi avere al massimo {most} cartelle
02yqt0mla Posta in arrivo non si può eliminare
1iua6c9la Posta in arrivo non si può rinominare, né dare il suo nome ad altre cartelle
0pevw8fla Posta in arrivo non può avere un uso speciale
05thf45{address} non è uno dei tuoi indirizzi mascherati
0ck5vu4puoi avere al massimo {most} indirizzi mascherati
18txo1zpuoi creare al massimo {most} indirizzi mascherati al giorno
0xglqn1una nota ha al massimo {most} caratteri
09bit0h{sender} non è né un indirizzo né un dominio
01d9vupal massimo {most} mittenti, senza spazi
1z0elzm{name} mostra ciò che attende l’invio, non vi si può mettere nulla
05eiihd{name} è gestita dal server; per rimuoverla, disattiva queue_mailbox
02naakni messaggi di {name} si possono spostare solo nella cartella del cestino, il che li annulla; altrove copiali
15dk4moil nome di una cartella non può essere vuoto
1pfigcnil nome di una cartella non può contenere caratteri di controllo
0vveplpil nome di una cartella non può iniziare con #
1g6tlxhil nome di una cartella non può superare {most} ottetti
1q4byjole cartelle non possono essere annidate oltre {most}
1iq54egil nome di una cartella non può iniziare o finire con / né contenere //
0inuku9un elemento del nome di una cartella non può essere . o ..
1r3wo1yun elemento del nome di una cartella non può superare {most} ottetti
1bex1bytroppe iscrizioni push
0l7g96rquesto modello non esiste più
0o4vsy3un modello richiede un nome
0tdnpb4un altro modello si chiama “{name}”
14zli5iè stato modificato altrove, quindi non è stato eliminato; ricarica la pagina
0ngl2eqla ricerca è troppo annidata
0nimtbqil testo supera {most} milioni di caratteri
083stupil testo contiene un carattere NUL
1w8ui5spuoi aggiungere al massimo {most} destinatari
0kt5ji9puoi allegare al massimo {most} file
1iqsiqypiù lungo di {limit} caratteri
0346wgr{localpart}@{domain}: {reason}
14rlbndmanca la parte prima di @
0zyaagonon c’è un destinatario
1nmndzqil dominio dell’indirizzo in From è per ora disattivato
1nvxof1non puoi inviare da {address}
0sppvbyil messaggio richiede un campo From con esattamente un indirizzo
14arby9il messaggio ha dati a 8 bit, che richiedono 8BITMIME
09h06l8ora il messaggio non si può firmare, riprova più tardi
0sph9dtil messaggio ha un Return-Path, che non spetta ai mittenti
1w6v9ruIl server è occupato con altri tuoi messaggi; riprova tra un momento.
1l4rcz4Questo sistema non può mostrare i messaggi HTML in modo sicuro.
0r74knkIl server non può avviare il processo che rende sicuri i messaggi; riprova più tardi.
1hf6obvIl programma che rende sicuri i messaggi è stato fermato: questo messaggio l’ha spinto a tentare ciò che è vietato.
0e1rm27Questo messaggio richiede troppo tempo o memoria per essere reso sicuro.
0aeca3cQuesto messaggio è troppo grande per essere mostrato.
16vemjznon c’è una casella «{name}»: il messaggio è stato conservato
0nkngsxun inoltro a {address} girerebbe in tondo: il messaggio è stato conservato
17ic4t3nel frattempo lo script è stato modificato, e nulla è stato salvato: ricarica la pagina
192mptjesiste già uno script {name}: scegli un altro nome
0ggxmam"{address}" non è un indirizzo di questo account
00eun42la regola {rule} richiede troppo tempo su questa posta: semplifica le sue espressioni
1ukaevwil nome di uno script ha da 1 a 128 caratteri, senza caratteri di controllo
0ieavydil file ha più di {most} eventi
0xrz2xkil calendario ha più di {most} righe
1haw9qhil file ha più di {most} contatti
1oc56rel’ultima scheda non ha una fine
1udbqvpha più di {most} MiB
0j4ad1sil file non è un CSV valido: {reason}
0zw9yctla prima riga non nomina colonne come Name, First Name o E-mail Address
0mnuw8wriga {line_num}: {reason}
01mv8z6riga {line}: né un nome né un indirizzo
0cg1acxquesto evento non ha un inizio
1wxj3koquesto fuso orario è sconosciuto
1oxiz30questa ricorrenza della serie non si può leggere
1l1tx17il calendario ha più di 1 MiB
1p8dcqfil file non ha eventi
0bi40k5tutti i componenti di una voce hanno un solo organizzatore
11sgwa1l’organizzatore di una voce resta lo stesso
0itx98wuna voce può avere al massimo {most} MiB
18rehziuna voce può avere al massimo {most} righe
0lnbs9juna voce può avere al massimo {most} componenti
01egz9cuna serie può avere al massimo {most} date modificate
1gup5zqun evento può avere al massimo {most} invitati
0gbuabmun evento può avere al massimo {most} regole di ripetizione
02m6emxuna proprietà può avere al massimo {most} KiB
1uhw299una scheda ha più di 256 KiB di testo
03r8sp7una scheda è vuota
1pk8im0una scheda non ha né nome né indirizzo
1cdsidpè vuoto: indica il nome di un dispositivo o programma
03w9ifjè vuoto: scegli almeno un servizio
1wngb0zla password per app {name} non esiste
192xcj9manca; esegui il comando openssl con la tua chiave privata e aggiungi il risultato
0iszdkknon è un indirizzo di questo account
1nzt11gQuesto link è già stato usato, sostituito da uno più recente, o è scaduto.
1okc1ruQuesto link è già stato usato.
1no3xfm{address} non esiste su questo server
19gfh08sei l’organizzatore, quindi non puoi invitare il tuo indirizzo {address}
0fa6rio{address} non accetta le tue e-mail
09jddeg{text} non è un indirizzo
10dncnrscegli uno dei tuoi domini: {names}
1h97qllil dominio {domain} non è su questo server
00yodgvl'account non ha un indirizzo in {domain}
0a4lhvrdominio troppo lungo
0kpiph3sintassi del dominio errata
15s68cxetichetta del dominio troppo lunga
0lo0gqedominio internazionalizzato errato
0z5h7n2parte locale tra virgolette errata
1qr8ic8parte locale vuota
06qv179sintassi della parte locale errata
1bhiwcycarattere di controllo nella parte locale
0sfbakzparte locale troppo lunga
0vworvrindirizzo letterale errato
17fb7mhindirizzo troppo lungo
1ytgmvuindirizzo senza @
066qo3ml'indirizzo contiene un carattere invisibile
1nlopbgpercorso di origine errato
0m4evwmpercorso troppo lungo
0rks5w1percorso senza @
0og8tssla chiave non è in base64url
0h1flz6il segreto di autenticazione deve avere 16 ottetti
0lnp9z6la chiave pubblica deve avere 65 ottetti
19j85m8la chiave pubblica non è un punto della curva P-256
0ymmtrol’URL del servizio push è troppo lungo, o ha caratteri che nessun URL ha
06ivfptl’URL del servizio push non è valido
0nmagdgl’URL del servizio push deve iniziare con https:// e nominare un host
07lyo2muna copia di calendari è già in corso
1h9bds2su questo server sono in corso diverse copie; riprova più tardi
1mlgyn3l’indirizzo deve iniziare con https:// e non contenere password
0xwb21zun nome utente non ha due punti
1afc4z9il server non indica la cartella dell’utente
1n3mha8il server rifiuta il nome utente o la password
0knfjll{host} risponde a {method} con {status}: lì non ci sono calendari
1jtldpauna risposta supera {size} MiB
1bi2rw2una risposta non è leggibile: {reason}
0recd9til server rimanda a {place}, che non riceve la password
1qjgje8“{text}” non è un indirizzo
1w4mc47fuso orario sconosciuto: gli orari sono gli stessi in tutti i fusi
1m0v18frighe illeggibili ignorate
0c78dvxfine ignorata perché non valida
01tqsdvregola di ripetizione ignorata perché non valida
08houqdmantenute le date che una seconda regola (EXRULE) esclude
0eo36qhfuso orario sconosciuto: gli orari sono di {zone}
1ocw4z2il file non ha eventi né attività
1hk8wcbil file non ha contatti
000jaj4ha più di {most} file
1p1kst1questo server non ha un indirizzo https per i calendari: chiedi al suo amministratore
1w54fcd{address} accetta e-mail solo dai suoi membri
1y3g5jql’indirizzo di un calendario inizia con https:// o webcal://
0p0iwnzun indirizzo che contiene un nome utente o una password non è accettato
0kt0ryvil server non è raggiungibile: {reason}
1paohbuil server rimanda a un indirizzo illeggibile
1ytlrt9il server risponde con {status}
1ujvc6nil calendario supera {size} MiB
1gkhrkaa questo indirizzo non c’è nessun calendario
0jbikpbhai già sottoscritto questo calendario
0gv3e47il calendario non è leggibile: {reason}
0hnk2wjla lettura del calendario richiede troppo tempo
0zzpkf1{problem} (e altri {n})
12wx6n2Microsoft non permette più ad altri programmi di accedere con una password: questo account non si può collegare
0ov7x40Proton Mail offre IMAP solo sul tuo computer, con la sua app Bridge: questo account non si può collegare
1jln3zgTuta non supporta IMAP: questo account non si può collegare
18cj164non è un indirizzo e-mail, come mia@example.org
08inwrknessun server di posta di {domain} trovato: indica il nome
1n7pkh4è già in corso un’importazione da un altro server
1606imfdiverse importazioni sono in corso su questo server; riprova più tardi
1meoemml’importazione non è più nello stato mostrato dalla pagina; ricaricala
11er4yyqualcosa è andato storto nel server; il suo registro dice di più
1tq7cvoun’altra importazione o esportazione di {account} via IMAP è in corso
0ncx68rnon si può scrivere un file temporaneo: {reason}
1k8yhsz{reason}: nuovo tentativo tra {seconds} s
1h8olbe{reason}; {n} messaggi sono stati copiati; una nuova esecuzione riprende da lì
0xiki20il messaggio supera {n} ottetti
1bjokfgil server non lo fornisce
1ix2tf2{mailbox}, messaggio con UID {uid}
0q266ja{place}: tralasciato, {reason}
0kae002è in corso un’altra ricerca di server: riprova tra un momento
0hr06f6nessuna risposta entro {seconds} s
0cb58eml’altro server rifiuta la password: indicala di nuovo
0lph71dnessun server per l’invio trovato: indicalo per inviare da questo indirizzo
0jybo7hnon è il nome di un server, come smtp.example.org
1vj9qd3l’invio da {address} è stato disattivato
1d9mb1xl’account collegato {name} è in pausa
17or78nla password dell’account collegato {name} è stata rifiutata
0f6s7jx{host}: {reason}
0mykpnoPOP3 si usa solo con la cifratura
1l9vxmunon è una porta
1kyyaimè un numero di giorni fino a {n}, solo con POP3
0acmx94la password salvata non è più leggibile: indicala di nuovo
1n1fg06il server elenca più di {n} cartelle
13quambla cartella {name} è tralasciata: il suo nome è troppo lungo, o ha caratteri insoliti
1vimp78la cartella {name} è tralasciata: è di un altro utente
1fng2hrla cartella eliminata {name} è tralasciata
1sz8qnjla cartella {name} è tralasciata: mostra solo messaggi di altre cartelle
0qs4fagil server afferma di avere più di {n} messaggi in una cartella
0p21re0una ricerca trova più messaggi di quanti ce ne siano
1e0ld36alcuni messaggi sono stati eliminati durante l’elenco di una cartella
1m4z0uluna risposta del server non è comprensibile: {reason}
08qm6aule cartelle per tutti sono tralasciate: {names}
16scyhola cartella {name} è rinominata in {to}
0jsbpuwcartella {name}: l’annotazione {key} è tralasciata: {reason}
0pz44gii contrassegni di alcuni messaggi non vengono ripresi: {reason}
0lvgg6kla cartella {name} è tralasciata: {reason}
1fc2kumimpossibile connettersi: {reason}
0i5zpmvquesto account ha provato altri server troppo spesso: riprova tra {minutes} min
10byuranessun saluto per {seconds} s
1g7v4isil server non saluta come fa un server IMAP
13yr74oil server ci respinge: {answer}
0uy3k7ril server dice che l’accesso è fatto, prima di TLS
008m7zoil server non inizia TLS: {reason}
14nj2dnil server ha inviato qualcosa dopo la risposta a {command}
0auisxmhandshake TLS non riuscito: {reason}
1pb5oi4il server risponde a un comando che non c’è
0lw3weqil server continua uno scambio che è finito
0oiyffjnessun accesso entro {seconds} s
0hij3mscertificato di {host}: {reason}
0g5uumw{reason}; per fidarsene, nominane il file in tls.ca.cert_files di moxlite.toml
1ao6ksl{host} non è il nome di un server: {reason}
0f9s0yfnessuna risposta dal DNS per {host}
0fh8wtdnessun indirizzo di {host}: {reason}
1dcu2yhaccesso non riuscito: {reason}
10tei7xsenza TLS il server non offre un accesso che nasconda la password: i suoi meccanismi sono {names}
1mzcqp9il server non offre un accesso conosciuto qui: i suoi meccanismi sono {names}
013ng35il server non ha risposto a {command} entro {seconds} s
0x03q85il server non dice nulla per {seconds} s
1qvs30jla connessione si è interrotta: {reason}
1xkv4isil server invia più di quanto {command} possa prendere
1tpx2m6il server non prende nulla per {seconds} s
1oph6huil server rifiuta {command}: {answer}
00fpfoula connessione non si può più usare: {reason}
0fevgi4il server conclude un comando prima di averlo
074490qil server ha chiuso la connessione, dicendo: {answer}
11loceyil server ha chiuso la connessione
07liusll’account non ha un indirizzo da cui inviare l’email di conferma
06g6tg3la coda della posta in uscita è fuori servizio
07041ebla pagina non ha un indirizzo pubblico; un amministratore la apre a internet con \`moxlite config listeners publish-web on\`, o imposta web.public_url.{app} in moxlite.toml dove altri la raggiungono in altro modo
1qwumcoaltri stanno modificando domains.toml: riprova
1ht9197nel frattempo domains.toml è stato modificato: guarda di nuovo le modifiche
0gdjrtwnel frattempo domains.toml è stato modificato: riprova
0zi33oznon è un dominio di questo server
1f1jw46non porta a {configured}
1xc89pvdeve essere uno tra {words}
185pnpodeve essere ASCII stampabile: è il valore di un campo dell’intestazione
00bn4vicreane uno: echo whsec_$(openssl rand -base64 32)
1hqhxm2deve essere in maiuscolo: scrivi "{capability}"
1onudrjdeve essere 421 o 550 e un messaggio, come "550 no longer here"
157zzkanon può essere combinato con mailbox o rulesets
0n68bm8ha più di {most} indirizzi
17ngmcyc’è due volte
0heax1aè un indirizzo dell’account stesso
0ps4opfnon ha condizioni
19ir35odeve avere un’azione
0vs36lwrichiede smtp_mail_from_regexp e verified_domain
062s3h5non va insieme a list_allow_domain
0dyowxfnon può essere Posta in arrivo
0pkaw2upuò avere fino a {most} condizioni
16a06pcdeve avere un valore
0s9ukbzpuò avere fino a {most} caratteri
04isp1tdeve essere maggiore di 0
0dclntbdeve usare il test "contains"
0px3m8qdeve essere in minuscolo: "{pattern}"
12zkcyhnon è un’espressione regolare: "{pattern}": {fault}
03lqvbgnon può essere la cartella della posta rifiutata
1twrv8mè la cartella mostrata da queue_mailbox: solo la coda vi mette messaggi
0ylgv17deve essere da 0 a 1
1fkwyuwdeve essere almeno 1
0338knvdeve essere almeno 0 e sotto 0.5
02uhwj4richiede onegrams, twograms o threegrams
02a0jifnon è in un dominio di questo server
05itg08è in un dominio senza localpart_separators
08mf3dscontiene due volte lo stesso valore
1sxr9oznon è un nome per il DNS
1y9e2dodeve avere From
1rb2wbedeve essere ASCII
0czd34edeve avere da 1 a 32 lettere e cifre
0jyywcgnon è un nome di host, o *. e uno
014ji1mha un separatore del suo dominio
0jtxyowdeve avere almeno un membro
0gk7zutrichiede un membro di questo server, che invia agli altri
1mkj72zintendevi "{word}"?
1hpx6m5manca
1cukpo9questa chiave va all'inizio del file, prima della prima [sezione]
1moaiqimetta il dominio tra virgolette: {header}
1v8d9uunon può essere vuoto
10on8ggtogli la chiave per non impostarla
10929mqnon può essere negativo
19smucvè fuori intervallo
0klpwljcontiene caratteri di controllo
1dbuk2lnon è una durata come "15s", "1h30m" o "7d"
0ka2sfasupera un secolo
1gvopf4non è una dimensione: scrivi ottetti o un testo come "500k", "100m", "2g"
0mvlqlfsupera un pebibyte
1tftehlnon è un tempo: scrivi "auto" o una durata come "20d"
0k0d2pzdeve essere un percorso completo: solo una shell capisce ~
17bo2v8non è un numero di porta da 1 a 65535
0p0t813non è un dominio: {reason}
1af6aghdeve essere in forma Unicode, minuscola: scrivi "{domain}"
178l1m0deve essere nella forma semplice: scrivi "{address}"
0k9e9w3non è la parte di un indirizzo prima di @
01uvdo8non è un indirizzo IP
08l4rk2non è una rete IP come 192.0.2.0/24{hint}
1gnns8onon è unix:/path/to/socket, né unix:/path/to/socket:/path
00ud60ynon è un URL http o https, né // e un host
1i3hkh3non può avere un percorso: quello della richiesta viene mantenuto, o sostituito da replace_path
0gsswjldeve essere ASCII, senza utente e password
0f4hly4deve iniziare e finire con una sola barra
054ocvqnon è un’origine: schema e host, come in "https://webmail.example.net"
11g1lpgnon è un’espressione regolare: {text}
1k8qtn0deve essere nella forma Unicode NFC: scrivi "{normal}"
0s2e0s6non è un nome di cartella
1wqdwt1deve essere una parola chiave di etichetta in minuscolo, come "to_do"
17ibyubdeve essere un solo segno di punteggiatura, come "+" o "-"
1b78ai4deve essere ASCII di al massimo {most} caratteri
03dh00cdeve essere {prefix} e da {least} a {most} ottetti in base64
0wu8lb0ha più di due segreti
0uvk00usupera {most} caratteri
1w07qa1non è un’espressione regolare cercata in tempo limitato: ha {reason}
1xsqg36non corrisponde mai: "{pattern}" ha {reason}
10tg86til server ha rifiutato l’accesso: {answer}
09zd50brichiede un’espressione per il nome e una per il valore
0sfxw4pnomina "{one}" due volte: metti entrambi i valori in una sola espressione
1v4o1aq{text} ({hint})
1t80n0vnulla è stato salvato: la configurazione ha un errore altrove; prima deve correggerlo l’amministratore
1fhpf26indica un indirizzo o un account
1t4y2l1non è un account di questo server, e i diritti si danno solo ad account
1v1ykkhè il tuo account, che ha tutti i diritti
0eaafy0devono essere lettere tra {letters}, con l
07fw83pnon c’è più
0su4u3odeve essere un solo account; non tutti possono inviare a tuo nome
0y6ogsadeve essere nel futuro
0i8ut0onon può inviare dagli indirizzi di questo account
0moiuyeil proprietario dell’indirizzo non vuole questa posta, o non è fermata
0wgjzuvla posta non viene inoltrata a {address}
1a9f3zrControlla che l’indirizzo sia scritto bene o chiedi al destinatario quello giusto, poi invia di nuovo il messaggio.
03incojIl messaggio e l’indirizzo vanno bene. Contatta l’amministratore del tuo server di posta.
0zftmtqContatta il destinatario in altro modo e invia di nuovo il messaggio quando ci sarà spazio.
1osxjp7Non devi fare nulla. Il server riproverà.
1sx1wg8Modifica il messaggio: meno link, nessun link abbreviato e nessun programma allegato. Oppure contatta il destinatario in altro modo.
10al86dContatta il destinatario in altro modo. Deve rimediare l’amministratore del suo server.
1aa66xnSe l’indirizzo funziona di nuovo, chiedi all’amministratore del tuo server di posta di consentirlo.
0hqdwq9Controlla i tuoi account collegati o invia da un altro indirizzo.
033eu8uControlla il computer e i file allegati.
11c75y2Controlla la parte dopo la @.
0bk6blrContatta il destinatario in altro modo.
1rw9lfoCondividi i file grandi in altro modo e invia un link.
0w9wchkUsa indirizzi che prima della @ hanno solo lettere dalla a alla z, sia il tuo sia quello del destinatario.
0lh2yzhSe il messaggio non è riservato, invialo di nuovo senza questo requisito.
`);
export {
  inWords2 as inWords
};
