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

var inWords2 = (error) => inWords(error, `1up7nwiréglage inconnu : {name}
1gyoozkprend trop de temps sur vos messages : une livraison la laisserait de côté. Simplifiez ses motifs
1w9q88e{address} n’est pas une adresse de ce compte
0k62836ce compte n’existe plus
00ckyvxla file des messages sortants est hors service ; l’administrateur en trouve la raison dans le journal
0njcjt2n’est pas le nom d’un serveur, comme imap.example.org
0i6sigjest vide : indiquez le nom d’utilisateur de l’autre serveur
1u6327iest vide : indiquez le mot de passe de l’autre serveur
0phkbreun serveur n’est interrogé sans chiffrement que dans le réseau du serveur, ce qui n’est pas autorisé ici
1u27402n’a pas de fuseau horaire
0j2qcepest vide : indiquez l’adresse de l’autre serveur
0tpfktwdoit avoir de 1 à 64 caractères imprimables
1k1cj5yest déjà le nom d’un mot de passe d’application
02dq0cmun autre appareil est en cours de configuration
0owwkbmce code de configuration a expiré ; créez-en un nouveau
1buwl7oce lien a déjà servi, ou ses dix minutes sont écoulées ; créez-en un nouveau sur la page du compte
0oxdmd2le mot de passe de ce compte ne peut pas être choisi, seulement généré ; l’administrateur l’a réglé ainsi
0zhnjh5cette session est déjà terminée
1hdv67tafter : ce n’est pas un endroit de la liste
0n87wf9n’est pas une URL http ou https
0tzy6jddoit être en ASCII imprimable
1n7cz00le filtre apprend déjà
1ytr327ce compte n’a pas de filtre antispam : activez-le et enregistrez d’abord
0ez27miTransférer à {target} le courrier destiné à {own} ?
09f55nm{name} : {reason}
16yu4n3{place} : {limit} caractères au plus sont possibles
18c20f1{place} : ne doit pas être vide
1tq358x{place} : il faut au moins {limit} caractères
002g0vy{place} : {limit} entrées au plus sont possibles
0l7tx11{place} : choisissez au moins un élément
1kpkgd6{place} : il faut au moins {limit} entrées
1f73g7l{place} : un nombre jusqu’à {limit} est attendu
10vsbyl{place} : un nombre à partir de {limit} est attendu
0gntdygil n’y a pas d’appel {name}
0hj3kenIdempotency-Key : doit contenir de 1 à {most} caractères ASCII imprimables
1fdrm5fle serveur a redémarré, et nous ne savons pas si cela a été fait ; vérifiez avant de réessayer
0t5nuhz{address} : {reason}
0dclgqsles pièces jointes sont plus grandes qu’un message ne peut l’être ({max_size} Mio)
1vc8ybn{field}: {reason}
1k533oxle message dépasse {max_size} Mio
0c6ydnqce brouillon a été modifié ou supprimé ailleurs
0mk634fce message a déjà été envoyé
0n3d1mmHTML : {reason}
0cv1nhcle texte ne peut pas être préparé maintenant : {reason}
0rdx6znl’accusé de lecture a déjà été envoyé ou refusé
1k72a4qsend_at : vous ne pouvez pas programmer de messages depuis {address}
1yglgi4l’en-tête du message est trop long
1wb063s{field} : ce moment est passé
0krccga{field} : choisissez un moment dans les {longest} prochains jours
0u3f4u9vous ne pouvez plus envoyer depuis cette adresse ; choisissez-en une autre
0h6ymntVous êtes déconnecté. Veuillez vous reconnecter.
06xsuw2le formulaire de connexion est trop ancien, ou le navigateur n’envoie pas de cookies{hint}
1qd2wdmle jeton CSRF manque
0hbb0guCela a pris trop de temps, ou le serveur a redémarré. Veuillez recommencer.
1jiq92jCe code n’est pas correct. Comparez l’heure de votre appareil à celle du serveur.
0219a1mCette méthode de vérification a déjà été retirée.
0yqcajwLes codes de récupération vont avec la connexion en deux étapes : ajoutez d’abord une application ou une clé de sécurité.
040an6nUn appareil de ce nom existe déjà.
07gdaqvLa clé de sécurité ne peut pas être ajoutée : {reason}.
1hoi77qCe compte a la connexion en deux étapes, mais ses seconds facteurs sont perdus. Demandez à l’exploitant de ce serveur d’exécuter : moxlite account reset-second-factor
0icxti0Cette connexion a pris trop de temps, ou le serveur a redémarré. Veuillez redonner votre mot de passe.
06tubmqclé inconnue
0qsicmkles clés de sécurité ne fonctionnent qu’avec un nom d’hôte en https
0a0ktgwle fichier est plus grand qu’une importation ne peut l’être ({most} octets)
1nbit3wcette importation n’existe pas, ou elle est terminée depuis plus d’une minute
0jda7itune importation dans ce compte est déjà en cours
12dsnyule formulaire a un champ inconnu {name}
1nk9sxuce fichier ne peut pas être importé : il faut un zip ou tar.gz avec des messages, un tar, un mbox ou un message (.eml)
12r547nles archives ne s’importent que dans vos propres dossiers, car elles peuvent en créer d’autres
15uoljhdossier : {reason}
15fhk68libellés : {reason}
11wp3l1libellés : vous pouvez en ajouter {most} au plus
12e88ws{name} : 1 ou 0 est attendu
0nns9lsun formulaire avec un fichier est attendu : multipart/form-data
1t5n13fle disque du serveur n’a pas de place pour ce fichier
05677l8le fichier a mis trop de temps à arriver
0lj2e1rle formulaire n’a pas de fichier
1k9ji4ule formulaire est incomplet ou illisible : {reason}
0e033csle fichier est plus grand qu’une importation ne peut l’être ({limit} octets)
0n6cpf7le formulaire a plusieurs champs {name}
1cb3zwlcela fait plus de {most} fichiers : réunissez-les en un seul
0ze9vacle champ {name} est trop long
14ddsejImpossible de vérifier la réponse du fournisseur de connexion. Réessayez. Le journal du serveur indique la raison.
1izhgh1Cette connexion a pris trop de temps ou a commencé dans un autre navigateur. Reconnectez-vous.
1fbickwimpossible de vérifier la réponse du fournisseur de connexion
1wfy368Vous avez été déconnecté. Veuillez vous reconnecter.
1s5fy1hLe fournisseur de connexion n’a pas demandé de nouvelle connexion. Saisissez votre mot de passe, ou demandez à l’administrateur.
1jnozqwUne autre personne s’est connectée chez le fournisseur. Réessayez avec votre propre compte.
114jf13connecté chez le fournisseur en tant qu’une autre personne
0p215ilLa connexion par un fournisseur n’est pas configurée ici.
10c8grbVous avez annulé la connexion, ou le fournisseur de connexion ne l’a pas autorisée.
1gry4z1Le fournisseur de connexion rencontre un problème. Réessayez plus tard, ou connectez-vous avec votre mot de passe.
19nnxpvLe fournisseur de connexion a refusé la connexion : {code}. Réessayez, ou demandez à l’administrateur.
1d0tkdrLe fournisseur de connexion ne répond pas. Connectez-vous avec votre mot de passe. Si vous n’en avez pas, demandez un lien de récupération à l’administrateur.
1jj9wp7Connexion impossible : {reason}.
1jt72qiCette connexion a déjà été dissociée.
0rbg1naL’adresse ou le mot de passe n’est pas correct.
0dk0pn7Le mot de passe n’est pas correct.
08m5shpDonnez d’abord de nouveau votre mot de passe ou un second facteur.
0d26222Cette connexion n’est encore associée à aucun compte. Connectez-vous avec votre mot de passe, puis associez-la sous Sécurité sur la page de votre compte.
1dj4o1xcette session n’est pas conservée, la page du compte demande donc sa propre connexion
1pwsndvCet appareil a été déconnecté, parce qu’il n’a pas servi pendant 30 jours ou que sa connexion date de 180 jours. Veuillez vous reconnecter.
143frawVous avez été déconnecté après 24 heures sans activité. Veuillez vous reconnecter.
1h14nd2Cet appareil a été déconnecté pour votre sécurité : une ancienne copie de sa connexion a été utilisée, par quelqu’un d’autre ou depuis une sauvegarde restaurée du navigateur. Si vous ne connaissez pas de telle sauvegarde, regardez les connexions de votre compte. Veuillez vous reconnecter.
10cxyygAucun mot de passe d’administrateur n’est défini. Exécutez sur le serveur : moxlite admin set-password
0i03qckVeuillez vous connecter : la connexion du webmail n’a pas pu servir ici.
0rna7aile compte n’a pas de place pour cela : {used} sur {limit} {unit} sont occupés
111h8xole propriétaire de ce dossier ne vous permet pas d’en retirer des messages
1txu1umle propriétaire de ce dossier ne vous permet pas de marquer des messages comme lus ou non lus
16qwii2le propriétaire de ce dossier ne vous permet pas de modifier les marques et libellés
08prwdule propriétaire de ce dossier ne vous permet pas d’y mettre des messages
02ok99qle propriétaire de ce dossier ne vous permet pas cela
0f70i4rpièces jointes : {reason}
1dvalhzle disque du serveur est plein
0rioi7wce serveur ne peut rien modifier pour le moment, seulement montrer ce qu’il y a ; réessayez dans une minute
0tezirele serveur est occupé, réessayez dans un instant
09o8jv0le stockage de ce compte ne répond pas comme il devrait
0pcsm40la lecture a pris trop de temps, réessayez
0xrsovala page du compte n’est pas à cette adresse
1mjd47ales messages non chargés ne sont modifiés que là où tout est à vous
0xky99amasquer et replier des conversations : seulement pour ce qui est à vous
1r1isbpsince : un nombre est attendu
1czzj1jl’événement a été modifié entre-temps
1s0kfajle contact a été modifié ou supprimé ailleurs
0h1prvkvous pouvez consulter la disponibilité sur 31 jours au plus à la fois
19k6y8yle fichier ne peut pas être lu : {reason}
1ovtddjle texte de ce message ne peut pas être lu pour l’écriture : {reason}
1l11ep3Le texte du message n’est pas cité. {reason}
1a32isladresse : {reason}
0f0oc23Il a plus de destinataires qu’un message ne peut en avoir : voici les {most} premiers.
1tsby2dce contact a été supprimé
01fu28uune vCard est attendue
1ml1gogmodifier les contacts : seulement pour ce qui est à vous
1qtx7bgphoto: un JPEG, PNG, GIF ou WebP de 128 Kio au plus est attendu
0tvagm9un contact a besoin d’un nom ou d’une adresse
0ymc8eil’arrivée des messages : seulement pour ce qui est à vous
1i7n9idseul le propriétaire du calendrier peut modifier les événements privés
18qe6wxcet agenda a été supprimé
0g72o35cet événement a été supprimé
1l2slxaimpossible d’ajouter l’événement à votre agenda ; votre réponse n’a donc pas été envoyée : {reason}
0zxhn8rvous ne pouvez pas répondre, car vous ne pouvez pas envoyer depuis {address}
148wd2pcalendrier : {reason}
1l8h0uavous ne pouvez pas sortir des événements des agendas de leur propriétaire
0ke5z14seul l’organisateur modifie cet événement ; les rappels et votre disponibilité dépendent de vous
056b372début : les événements et leurs répétitions doivent être entre les années 1 et 9999
1k3uo3hvous n’êtes pas invité à cet événement
0v8yfrlsaisissez un nom de groupe
0pd5lrule message {missing} n’est pas là, ou n’y est plus
0hd5eb9ce n’est pas une invitation à laquelle on peut répondre
0e5oze7aucune de vos adresses n’est invitée
0n4tdnile calendrier n’a pas pu être lu pour le moment
0gbjgykl’événement se termine avant de commencer
12apt7dcette partie n’existe pas
051c5zjle calendrier dépasse 1 Mio
030lrs2début : ce jour n’existe pas
1u9gsz2un libellé a besoin d’un nom
0eyizhnun autre libellé s’appelle {name}
0sktfopil y a déjà {most} libellés avec un nom
1jdkxxtce n’est pas un libellé
1mhv4kuseul {writer} peut modifier l’heure de ce message
11bywyrreporter des messages : seulement pour ce qui est à vous
09bswz1aucun dossier ne sert d’archives
04iwxh2quitter des listes : seulement pour ce qui est à vous
1wdo9bkce message n’offre pas ce moyen
0351oamdes accusés de lecture sont envoyés : seulement pour ce qui est à vous
10xuhgsce message ne demande pas d’accusé de lecture ou a déjà reçu une réponse
11kyxevcette règle ne doit plus être proposée
0iui6b7il vous faut une adresse pour créer des règles
1equndyce message n’a pas d’expéditeur qu’une règle pourrait nommer
0qf2f4u{recipient} arrive par l’adresse collectrice {destination} : ajoutez-la d’abord aux adresses du compte
0i9mfy5{destination} n’est plus une adresse du compte
10sm04yles règles de cette adresse ont été modifiées entre-temps
0zfeuyx{destination} a déjà {most} règles
06m4y9hun dossier partagé ne se parcourt que comme liste
0mlhh1pla file du serveur ne peut pas être utilisée maintenant
16551hace carnet d’adresses a été supprimé
1n78uiyce carnet d’adresses a déjà ce contact
0oly5btrépétition : ce n’est pas une date d’une série
04ivkc8fuseau : ce fuseau horaire n’est pas connu
0lddaaflien : doit être une adresse http:// ou https://
0larlh2invités : cette adresse n’est pas complète
00cgxi9request : un flux commence par une requête
0brx1eljeton incorrect
13fticgil n’y a pas de flux {stream_id}
0zvugsbune nouvelle vue a besoin d’une requête
1amfbwhCe dossier n’existe plus.
0mlyp8mLes conversations de ce compte sont encore en cours d’assemblage.
0ktvbrkCe dossier ne peut pas être lu pour le moment.
05hewt9ces messages sont déjà dans ce dossier
183zaaaranges : seulement dans l’ordre de réception
06owry3flags : il en faut au moins un
0dbg7wkle message {message_id} est déjà dans ce dossier
05sy0ucce qui attend d’être envoyé ne peut aller que dans votre propre corbeille
0f79kq0Quatre messages vous sont déjà affichés ; réessayez quand ils seront là.
00wwj1qQuatre fichiers vous sont déjà envoyés ; attendez que l’un d’eux soit là, ou interrompez-le.
1ilsamqD’autres fichiers sont en cours d’importation ; réessayez dans une minute.
0121auf{host} est injoignable : {reason}
112ujbj{host} a refusé avec le statut {status}
11ukzn4trop de connexions échouées, réessayez plus tard
0k7eeshutilisateur ou mot de passe incorrect
1c8snduutilisez un mot de passe d’application : le vôtre ne sert que pour les pages web
0hj54khmot de passe incorrect
0t7685sle jeton a expiré
1ed3b6zcertificat client inconnu
009td2tle certificat client n’appartient pas à ce compte
0lmj35paucun compte n’est associé à cette connexion
0kyaigmle compte a été supprimé
0x0vtzaCe code n’est pas correct, ou a déjà servi. Attendez le suivant.
1jy6iouLa réponse de cette clé de sécurité n’est pas correcte.
1xrxv0pCe code de récupération n’est pas correct, ou a déjà servi.
0isua9xles gestionnaires de mots de passe ont besoin d’un jeton qui ne sert à rien d’autre
11vz01xun jeton ne peut pas servir pour {scope}
1ccn3jfle nom d’un mot de passe d’application a de 1 à {most} caractères imprimables
0jkbajlun mot de passe d’application doit pouvoir servir à quelque chose
1ei67rjun mot de passe d’application en lecture seule ne peut pas servir à l’envoi
09ha7csil y a déjà un mot de passe d’application {name}
1ys94mvce compte a déjà {most} jetons
1nm3tcmce compte a déjà {most} mots de passe d’application
13f50qyun mot de passe d’application ne peut pas finir dans le passé
03d22n6un mot de passe a besoin d’au moins {most} caractères
1n8dop1un mot de passe ne peut pas dépasser {most} octets
15d741xle nom d’un appareil a de 1 à {most} caractères imprimables
0o89emrcette clé de sécurité est déjà utilisée
1omzbxsil y a déjà un appareil {name}
1crf6tzce compte a déjà {most} applications d’authentification ou clés de sécurité
0287eadcertificat introuvable
1u4qomjle certificat est trop long
1wri568ce n’est pas un certificat X.509 lisible
0b8hhwvles clés RSA ont besoin d’au moins {most} bits, celle-ci en a {key_size}
0b66sm7les clés sur la courbe {name} ne sont pas acceptées
1cjfil9les clés de ce type ne sont pas acceptées
1o4kzigcontient une clé privée ; gardez-la pour vous et n’envoyez que le résultat de la commande
055ys9an’est pas une demande de certificat ; collez tout le résultat de la commande
0q2u8csn’a pas été signée avec la clé privée de ce certificat
1l36hs7est pour un autre compte ou a expiré ; demandez une nouvelle commande
0nenw3qce compte a déjà {most} certificats client
0cxzzi1cette clé appartient déjà à un compte
0q7s68cest vide
1vzytygce mot de passe est trop courant ; choisissez-en un autre
0wkz4imce mot de passe peut être deviné à partir de votre adresse, de votre nom ou du serveur ; choisissez-en un autre
03s4rfnune pièce jointe n’est plus sur le serveur, joignez-la de nouveau
00skfeutrop de fichiers joints aux brouillons
1b87fc0son propriétaire ne veut pas de ces messages
0xhnamale titulaire de l’adresse ne l’a pas encore confirmée
1rzr48vl’envoi à cette adresse est arrêté : {error}
1s35wmbl’envoi à cette adresse est arrêté
1rvbzpw{count} messages ont été transférés en 24 heures
0nnedf7la limite de {limit} en 24 heures est atteinte : {what} (réglage {setting})
1h9yzlhmessages
0bqyyz7nouveaux destinataires
1vn8g2cil est trop tard, le message est en route
08xrknmce message a été repris ailleurs et est de nouveau un brouillon
1h7wqxsnon transféré à {address}, mais conservé : {reason}
0xae1hkil n’y a pas de script {name}
0cnuflhil y a déjà un script {name}
0wgwy92le script {name} est actif
0ap4s77un compte a au plus {most} scripts
0pn3475l’envoi depuis ce compte est arrêté depuis {when}, parce qu’un inconnu semble s’en servir ; ce que vous avez envoyé avant attend ; prévenez l’administrateur de votre serveur de messagerie et changez votre mot de passe
1xbe4c3au plus {most} caractères de texte et {subject} d’objet
0knh661les caractères de contrôle ne sont pas autorisés ici
00n2jwvest vide : écrivez la réponse
0wrfs4sest avant le début
0cyzdadest déjà passé
1tj622wvous pouvez ajouter jusqu’à {most} adresses
15jbt6hn’est pas une adresse e-mail : {reason}
1cwlmuqil n’y a pas de compte {name}
0n8rrt9le compte {name} est en cours de suppression
11w87e2limite dépassée : {name}
0svr70hUID du dossier {mailbox} ; pour en donner de nouveaux : moxlite store reassign-uids
116lwjgil n’y a pas de dossier {mailbox}
1mnwh7mle dossier {name} existe déjà
06ncmw1le dossier {name} a des sous-dossiers
1on6ph4il n’y a pas de message {message_id}
0vtxdf6ceci a été modifié entre-temps, et rien n’a été enregistré : {text}
1vi9gw3cet agenda vient d’ailleurs et ne peut pas être modifié ici
1puqnlbcela n’est plus conservé, ou est déjà rétabli
01zdxjcvous êtes l’organisateur de cet événement, il ne peut donc figurer que dans vos propres agendas
1vdizrppour modifier ici un événement avec des invités, il vous faut l’autorisation d’envoyer depuis {address}
00gdv0gce lien a déjà été retiré
1ceed8wle propriétaire de cet agenda vous laisse le lire, pas le modifier
0j2wzgxle propriétaire de ce carnet d’adresses vous laisse le lire, pas le modifier
0c0bpmutrop de messages en attente
1qv2p05trop de messages programmés
1sl5xkple propriétaire a toujours tous les droits
1ezdg2a{name} est le dossier du serveur lui-même, et ne peut pas être partagé
18vo7v8vous pouvez partager un dossier avec {most} personnes au plus
17v5pyktrop de mots-clés sur ce message
1tahiz6les annotations sont trop volumineuses
1jzocmrtrop de mots-clés dans ce dossier
19z8xs5au plus {most} comptes peuvent envoyer depuis un compte
087byelcompte lié introuvable : {name}
194swh7trop de comptes liés
1kqotkjce compte est déjà lié
078wjafun de vos dossiers porte ce nom : choisissez-en un autre
1j302mmindiquez un nom sans {separator}
0xxntfpun autre compte lié porte ce nom
0agfgzale nom {name} est réservé aux dossiers d’autres utilisateurs
0q9x9oivous pouvez avoir au plus {most} dossiers
02yqt0mla boîte de réception ne peut pas être supprimée
1iua6c9la boîte de réception ne peut pas être renommée, ni un dossier prendre son nom
0pevw8fla boîte de réception ne peut pas avoir d’usage particulier
05thf45{address} n’est pas une de vos adresses masquées
0ck5vu4vous pouvez avoir au plus {most} adresses masquées
18txo1zvous pouvez créer au plus {most} adresses masquées par jour
0xglqn1une note a {most} caractères au plus
09bit0h{sender} n’est ni une adresse ni un domaine
01d9vup{most} expéditeurs au plus, sans espaces
1z0elzm{name} montre ce qui attend d’être envoyé, on ne peut rien y mettre
05eiihd{name} est géré par le serveur ; pour le supprimer, désactivez queue_mailbox
02naaknles messages de {name} ne peuvent aller que dans la corbeille, ce qui les annule ; copiez-les ailleurs
15dk4mole nom d’un dossier ne peut pas être vide
1pfigcnle nom d’un dossier ne peut pas contenir de caractères de contrôle
0vveplple nom d’un dossier ne peut pas commencer par #
1g6tlxhle nom d’un dossier ne peut pas dépasser {most} octets
1q4byjoles dossiers ne peuvent pas être imbriqués sur plus de {most} niveaux
1iq54egle nom d’un dossier ne peut ni commencer ni finir par /, ni contenir //
0inuku9un élément du nom d’un dossier ne peut pas être . ou ..
1r3wo1yun élément du nom d’un dossier ne peut pas dépasser {most} octets
1bex1bytrop d’abonnements push
0l7g96rce modèle n’existe plus
0o4vsy3un modèle a besoin d’un nom
0tdnpb4un autre modèle s’appelle « {name} »
14zli5icela a été modifié ailleurs et n’a donc pas été supprimé ; rechargez la page
0ngl2eqla recherche est trop imbriquée
0nimtbqle texte dépasse {most} millions de caractères
083stuple texte contient un caractère NUL
1w8ui5svous pouvez ajouter au plus {most} destinataires
0kt5ji9vous pouvez joindre au plus {most} fichiers
1iqsiqyplus de {limit} caractères
0346wgr{localpart}@{domain} : {reason}
14rlbndla partie avant le @ manque
0zyaagoil n’y a pas de destinataire
1nmndzqle domaine de l’adresse From est désactivé pour le moment
1nvxof1vous ne pouvez pas envoyer depuis {address}
0sppvbyle message a besoin d’un champ From avec exactement une adresse
14arby9le message a des données de 8 bits, ce qui demande 8BITMIME
09h06l8le message ne peut pas être signé maintenant, réessayez plus tard
0sph9dtle message a un Return-Path, que les expéditeurs ne doivent pas ajouter
1w6v9ruLe serveur est occupé par d’autres messages à vous ; réessayez dans un instant.
1l4rcz4Ce système ne peut pas afficher les messages HTML en toute sécurité.
0r74knkLe serveur ne peut pas démarrer le processus qui rend les messages sûrs ; réessayez plus tard.
1hf6obvLe programme qui rend les messages sûrs a été arrêté : ce message lui a fait tenter une opération interdite.
0e1rm27Rendre ce message sûr prend trop de temps ou demande trop de mémoire.
0aeca3cCe message est trop grand pour être affiché.
16vemjzil n’y a pas de dossier « {name} » : le message a été conservé
0nkngsxun transfert à {address} tournerait en rond : le message a été conservé
17ic4t3le script a été modifié entre-temps, et rien n’a été enregistré : rechargez la page
192mptjil y a déjà un script {name} : choisissez un autre nom
0ggxmam« {address} » n’est pas une adresse de ce compte
00eun42la règle {rule} prend trop de temps sur ces messages : simplifiez ses motifs
1ukaevwle nom d’un script a de 1 à 128 caractères, sans caractères de contrôle
0ieavydle fichier a plus de {most} événements
0xrz2xkle calendrier a plus de {most} lignes
1haw9qhle fichier a plus de {most} contacts
1oc56rela dernière carte n’a pas de fin
1udbqvpil dépasse {most} Mio
0j4ad1sle fichier n’est pas un CSV valide : {reason}
0zw9yctla première ligne ne nomme pas de colonnes comme Name, First Name ou E-mail Address
0mnuw8wligne {line_num} : {reason}
01mv8z6ligne {line} : ni nom ni adresse
0cg1acxcet événement n’a pas de début
1wxj3koce fuseau horaire n’est pas connu
1oxiz30cette date de la série est illisible
1l1tx17le calendrier dépasse 1 Mio
1p8dcqfle fichier n’a pas d’événement
0bi40k5toutes les parties d’une entrée ont le même organisateur
11sgwa1l’organisateur d’une entrée reste le même
0itx98wune entrée peut avoir au plus {most} Mio
18rehziune entrée peut avoir au plus {most} lignes
0lnbs9june entrée peut avoir au plus {most} composants
01egz9cune série peut avoir au plus {most} dates modifiées
1gup5zqun événement peut avoir au plus {most} invités
0gbuabmun événement peut avoir au plus {most} règles de répétition
02m6emxune propriété peut avoir au plus {most} Kio
1uhw299une carte a plus de 256 Kio de texte
03r8sp7une carte est vide
1pk8im0une carte n’a ni nom ni adresse
1cdsidpest vide : indiquez le nom d’un appareil ou d’un programme
03w9ifjest vide : choisissez au moins un service
1wngb0zil n’y a pas de mot de passe d’application {name}
192xcj9manque ; exécutez la commande openssl avec votre clé privée et ajoutez le résultat
0iszdkkn’est pas une adresse de ce compte
1nzt11gCe lien a déjà servi, a été remplacé par un plus récent, ou a expiré.
1okc1ruCe lien a déjà servi.
1no3xfm{address} n’existe pas sur ce serveur
19gfh08vous êtes l’organisateur, vous ne pouvez donc pas inviter votre propre adresse {address}
0fa6rio{address} n’accepte pas vos e-mails
09jddeg{text} n'est pas une adresse
10dncnrchoisissez un de vos domaines : {names}
1h97qllle domaine {domain} n'est pas sur ce serveur
00yodgvle compte n'a pas d'adresse dans {domain}
0a4lhvrle domaine est trop long
0kpiph3le domaine est mal écrit
15s68cxune partie du domaine est trop longue
0lo0gqele domaine internationalisé n’est pas valable
0z5h7n2la partie entre guillemets n’est pas valable
1qr8ic8la partie avant le @ est vide
06qv179la partie avant le @ est mal écrite
1bhiwcyun caractère de contrôle avant le @
0sfbakzla partie avant le @ est trop longue
0vworvrl’adresse IP entre crochets n’est pas valable
17fb7mhl’adresse est trop longue
1ytgmvul’adresse n’a pas de @
066qo3ml’adresse contient un caractère invisible
1nlopbgla route n’est pas valable
0m4evwmle chemin est trop long
0rks5w1le chemin n’a pas de @
0og8tssla clé n’est pas en base64url
0h1flz6le secret d’authentification doit avoir 16 octets
0lnp9z6la clé publique doit avoir 65 octets
19j85m8la clé publique n’est pas un point de la courbe P-256
0ymmtrol’URL du service push est trop longue, ou a des caractères qu’aucune URL n’a
06ivfptl’URL du service push n’est pas valable
0nmagdgl’URL du service push doit commencer par https:// et nommer un hôte
07lyo2mdes agendas sont déjà en cours de copie
1h9bds2plusieurs copies sont en cours sur ce serveur ; réessayez plus tard
1mlgyn3l’adresse doit commencer par https:// et ne contenir aucun mot de passe
0xwb21zle nom d’utilisateur ne peut pas contenir de deux-points
1afc4z9le serveur n’a pas d’emplacement d’agendas ou de contacts pour cet utilisateur
1n3mha8le serveur refuse le nom d’utilisateur ou le mot de passe
0knfjll{host} répond {status} à {method} : il n’y a pas d’agendas à cet endroit
1jtldpaune réponse dépasse {size} Mio
1bi2rw2une réponse est illisible : {reason}
0recd9tle serveur renvoie vers {place}, qui ne reçoit pas le mot de passe
1qjgje8« {text} » n’est pas une adresse
1w4mc47fuseau horaire inconnu : les heures sont les mêmes dans tous les fuseaux
1m0v18flignes illisibles ignorées
0c78dvxfin ignorée, car elle n’est pas valide
01tqsdvrègle de répétition ignorée, car elle n’est pas valide
08houqddates conservées qu’une seconde règle (EXRULE) exclut
0eo36qhfuseau horaire inconnu : les heures sont celles de {zone}
1ocw4z2le fichier n’a ni événement ni tâche
1hk8wcble fichier ne contient aucun contact
000jaj4il contient plus de {most} fichiers
1p1kst1ce serveur n’a pas d’adresse https pour les agendas : demandez à l’administrateur
1w54fcd{address} n’accepte que les e-mails de ses membres
1y3g5jql’adresse d’un agenda commence par https:// ou webcal://
0p0iwnzune adresse qui contient un nom d’utilisateur ou un mot de passe n’est pas acceptée
0kt0ryvle serveur est injoignable : {reason}
1paohbule serveur renvoie vers une adresse illisible
1ytlrt9le serveur répond {status}
1ujvc6nl’agenda dépasse {size} Mio
1gkhrkail n’y a pas d’agenda à cette adresse
0jbikpbvous êtes déjà abonné à cet agenda
0gv3e47l’agenda est illisible : {reason}
0hnk2wjla lecture de l’agenda prend trop de temps
0zzpkf1{problem} (et {n} autres)
12wx6n2Microsoft ne laisse plus d’autres logiciels se connecter par mot de passe : ce compte ne peut pas être lié
0ov7x40Proton Mail n’offre IMAP que sur votre ordinateur, par son application Bridge : ce compte ne peut pas être lié
1jln3zgTuta ne prend pas en charge IMAP : ce compte ne peut pas être lié
18cj164n’est pas une adresse e-mail, comme mia@example.org
08inwrkaucun serveur de messagerie de {domain} n’a été trouvé : indiquez son nom
1n7pkh4des messages d’un autre serveur sont déjà en cours d’importation
1606imfplusieurs importations sont en cours sur ce serveur ; réessayez plus tard
1meoemml’importation n’est plus dans l’état que montre la page ; rechargez-la
11er4yyquelque chose s’est mal passé sur le serveur ; son journal en dit plus
1tq7cvoun autre import ou export de {account} par IMAP est en cours
0ncx68run fichier temporaire ne peut pas être écrit : {reason}
1k8yhsz{reason} : nouvel essai dans {seconds} s
1h8olbe{reason} ; {n} messages ont été copiés ; un nouvel import reprend là
0xiki20le message dépasse {n} octets
1bjokfgle serveur ne le donne pas
1ix2tf2{mailbox}, message d’UID {uid}
0q266ja{place} : laissé de côté, {reason}
0kae002une autre recherche de serveurs est en cours : réessayez dans un instant
0hr06f6pas de réponse en {seconds} s
0cb58eml’autre serveur refuse le mot de passe : indiquez-le à nouveau
0lph71daucun serveur d’envoi n’a été trouvé : indiquez-le pour envoyer depuis cette adresse
0jybo7hn’est pas le nom d’un serveur, comme smtp.example.org
1vj9qd3l’envoi depuis {address} a été désactivé
1d9mb1xle compte lié {name} est suspendu
17or78nle mot de passe du compte lié {name} a été refusé
0f6s7jx{host} : {reason}
0mykpnoPOP3 n’est utilisé qu’avec chiffrement
1l9vxmun’est pas un port
1kyyaimest un nombre de jours jusqu’à {n}, avec POP3 seulement
0acmx94le mot de passe enregistré n’est plus lisible : indiquez-le à nouveau
1n1fg06le serveur annonce plus de {n} dossiers
13quamble dossier {name} est laissé de côté : son nom est trop long ou a des caractères étranges
1vimp78le dossier {name} est laissé de côté : il est à un autre utilisateur
1fng2hrle dossier supprimé {name} est laissé de côté
1sz8qnjle dossier {name} est laissé de côté : il ne montre que des messages d’autres dossiers
0qs4fagle serveur prétend avoir plus de {n} messages dans un dossier
0p21re0une recherche trouve plus de messages qu’il n’y en a
1e0ld36des messages ont été supprimés pendant que le serveur listait un dossier
1m4z0ulune réponse du serveur n’a pas pu être comprise : {reason}
08qm6aules dossiers pour tous sont laissés de côté : {names}
16scyhole dossier {name} est renommé en {to}
0jsbpuwdossier {name} : l’annotation {key} est laissée de côté : {reason}
0pz44giles marques de certains messages ne sont pas reprises : {reason}
0lvgg6kle dossier {name} est laissé de côté : {reason}
1fc2kumconnexion impossible : {reason}
0i5zpmvce compte a essayé d’autres serveurs trop souvent : réessayez dans {minutes} min
10byuraaucun accueil depuis {seconds} s
1g7v4isle serveur ne s’annonce pas comme un serveur IMAP
13yr74ole serveur nous renvoie : {answer}
0uy3k7rle serveur dit, avant TLS, que la connexion est ouverte
008m7zole serveur ne commence pas TLS : {reason}
14nj2dnle serveur a envoyé quelque chose après sa réponse à {command}
0auisxmla négociation TLS a échoué : {reason}
1pb5oi4le serveur répond à une commande qui n’existe pas
0lw3weqle serveur poursuit un échange qui est terminé
0oiyffjaucune connexion ouverte en {seconds} s
0hij3mscertificat de {host} : {reason}
0g5uumw{reason} ; pour lui faire confiance, indiquez son fichier dans tls.ca.cert_files de moxlite.toml
1ao6ksl{host} n’est pas le nom d’un serveur : {reason}
0f9s0yfaucune réponse du DNS pour {host}
0fh8wtdaucune adresse de {host} : {reason}
1dcu2yhla connexion a échoué : {reason}
10tei7xsans TLS, le serveur n’offre aucun moyen de se connecter qui cache le mot de passe : ses mécanismes sont {names}
1mzcqp9le serveur n’offre aucun moyen de se connecter connu ici : ses mécanismes sont {names}
013ng35le serveur n’a pas répondu à {command} en {seconds} s
0x03q85le serveur ne dit rien depuis {seconds} s
1qvs30jla connexion s’est rompue : {reason}
1xkv4isle serveur envoie plus que {command} ne peut prendre
1tpx2m6le serveur n’accepte rien depuis {seconds} s
1oph6hule serveur refuse {command} : {answer}
00fpfoula connexion n’est plus utilisable : {reason}
0fevgi4le serveur termine une commande avant de l’avoir
074490qle serveur a fermé la connexion en disant : {answer}
11loceyle serveur a fermé la connexion
07liuslle compte n’a pas d’adresse pour envoyer l’e-mail de confirmation
06g6tg3la file des messages sortants est hors service
07041ebla page n’a pas d’adresse publique ; un administrateur l’ouvre à Internet par \`moxlite config listeners publish-web on\`, ou définit web.public_url.{app} dans moxlite.toml si d’autres y accèdent autrement
1qwumcodomains.toml est en cours de modification par d’autres : réessayez
1ht9197domains.toml a été modifié ailleurs ; vérifiez à nouveau les modifications
0gdjrtwdomains.toml a été modifié entre-temps : réessayez
0zi33ozn’est pas un domaine de ce serveur
1f1jw46ne mène pas à {configured}
1xc89pvdoit être l’un de ceux-ci : {words}
185pnpodoit être en ASCII imprimable : c’est la valeur d’un champ d’en-tête
00bn4vipour en créer un : echo whsec_$(openssl rand -base64 32)
1hqhxm2doit être en majuscules : écrivez « {capability} »
1onudrjdoit être 421 ou 550 suivi d’un message, comme « 550 no longer here »
157zzkane peut pas être combiné avec mailbox ou rulesets
0n68bm8a plus de {most} adresses
17ngmcyy est deux fois
0heax1aest une adresse du compte lui-même
0ps4opfn’a pas de condition
19ir35odoit avoir une action
0vs36lwa besoin de smtp_mail_from_regexp et de verified_domain
062s3h5ne va pas avec list_allow_domain
0dyowxfne doit pas être la boîte de réception
0pkaw2upeut avoir au plus {most} conditions
16a06pcdoit avoir une valeur
0s9ukbzpeut avoir au plus {most} caractères
04isp1tdoit être supérieur à 0
0dclntbdoit utiliser le test "contains"
0px3m8qdoit être en minuscules : « {pattern} »
12zkcyhn’est pas une expression régulière : « {pattern} » : {fault}
03lqvbgne doit pas être le dossier des rejets
1twrv8mest le dossier que montre queue_mailbox : seule la file y met des messages
0ylgv17doit être de 0 à 1
1fkwyuwdoit être d’au moins 1
0338knvdoit être d’au moins 0 et inférieur à 0,5
02uhwj4a besoin de onegrams, twograms ou threegrams
02a0jifn’est pas dans un domaine de ce serveur
05itg08est dans un domaine sans localpart_separators
08mf3dscontient deux fois la même valeur
1sxr9ozn’est pas un nom DNS
1y9e2dodoit avoir un expéditeur (From)
1rb2wbedoit être en ASCII
0czd34edoit avoir de 1 à 32 lettres et chiffres
0jyywcgn’est pas un nom d’hôte, ni *. suivi d’un nom
014ji1mcontient un séparateur de son domaine
0jtxyowdoit avoir au moins un membre
0gk7zuta besoin d’un membre de ce serveur, qui envoie aux autres
1mkj72zvouliez-vous dire « {word} » ?
1hpx6m5manque
1cukpo9cette clé doit figurer en tête du fichier, avant la première [section]
1moaiqimettez le domaine entre guillemets : {header}
1v8d9uune doit pas être vide
10on8ggenlevez la clé pour ne rien définir
10929mqne doit pas être négatif
19smucvest hors limites
0klpwljcontient des caractères de contrôle
1dbuk2ln’est pas une durée comme « 15s », « 1h30m » ou « 7d »
0ka2sfaest plus long qu’un siècle
1gvopf4n’est pas une taille : écrivez des octets ou un texte comme « 500k », « 100m », « 2g »
0mvlqlfest plus grand qu’un pébioctet
1tftehln’est pas un temps : écrivez « auto » ou une durée comme « 20d »
0k0d2pzdoit être un chemin complet : seul un shell comprend ~
17bo2v8n’est pas un numéro de port de 1 à 65535
0p0t813n’est pas un domaine : {reason}
1af6aghdoit être sous sa forme Unicode, en minuscules : écrivez « {domain} »
178l1m0doit être sous sa forme simple : écrivez « {address} »
0k9e9w3n’est pas la partie d’une adresse avant le @
01uvdo8n’est pas une adresse IP
08l4rk2n’est pas un réseau IP comme 192.0.2.0/24{hint}
1gnns8on’est ni unix:/path/to/socket ni unix:/path/to/socket:/path
00ud60yn’est ni une URL http ou https, ni // et un hôte
1i3hkh3ne doit pas avoir de chemin : celui de la requête est gardé, ou remplacé par replace_path
0gsswjldoit être en ASCII, sans utilisateur ni mot de passe
0f4hly4doit commencer et finir par une seule barre oblique
054ocvqn’est pas une origine : schéma et hôte, comme dans "https://webmail.example.net"
11g1lpgn’est pas une expression régulière : {text}
1k8qtn0doit être en forme normale NFC d’Unicode : écrivez « {normal} »
0s2e0s6n’est pas un nom de dossier
1wqdwt1doit être un mot-clé de libellé en minuscules, comme "to_do"
17ibyubdoit être un seul signe de ponctuation, comme « + » ou « - »
1b78ai4doit être en ASCII, de {most} caractères au plus
03dh00cdoit être {prefix} et de {least} à {most} octets en base64
0wu8lb0a plus de deux secrets
0uvk00ucompte plus de {most} caractères
1w07qa1n’est pas une expression régulière que l’on peut chercher en un temps borné : elle contient {reason}
1xsqg36ne correspond jamais : « {pattern} » contient {reason}
10tg86tle serveur a refusé la connexion : {answer}
09zd50ba besoin d’un motif pour le nom et d’un pour la valeur
0sfxw4pnomme « {one} » deux fois : mettez les deux valeurs dans un seul motif
1v4o1aq{text} ({hint})
1t80n0vrien n’a été enregistré : la configuration a une faute ailleurs ; l’administrateur doit d’abord la corriger
1fhpf26saisissez une adresse ou un compte
1t4y2l1n’est pas un compte de ce serveur, et seuls les comptes peuvent recevoir des droits
1v1ykkhest votre propre compte, qui a tous les droits
0eaafy0doit se composer de lettres parmi {letters}, avec l
07fw83pn’existe plus
0su4u3odoit être un seul compte ; tout le monde ne peut pas envoyer en votre nom
0y6ogsadoit être dans le futur
0i8ut0one peut pas envoyer depuis les adresses de ce compte
0moiuyele propriétaire de l’adresse ne veut pas de ces messages, ou la redirection n’est pas arrêtée
0wgjzuvrien n’est redirigé vers {address}
1a9f3zrVérifiez l’orthographe de l’adresse ou demandez la bonne au destinataire, puis renvoyez votre message.
03incojVotre message et l’adresse sont corrects. Contactez l’administrateur de votre serveur de messagerie.
0zftmtqContactez le destinataire autrement, et renvoyez votre message quand il y aura de la place.
1osxjp7Vous n’avez rien à faire. Le serveur réessaiera.
1sx1wg8Modifiez votre message : moins de liens, aucun lien raccourci et aucun programme joint. Ou contactez le destinataire autrement.
10al86dContactez le destinataire autrement. C’est à l’administrateur de son serveur de corriger cela.
1aa66xnSi l’adresse fonctionne à nouveau, demandez à l’administrateur de votre serveur de messagerie de l’autoriser.
0hqdwq9Vérifiez vos comptes liés ou envoyez depuis une autre adresse.
033eu8uVérifiez votre ordinateur et les fichiers joints.
11c75y2Vérifiez la partie après le @.
0bk6blrContactez le destinataire autrement.
1rw9lfoPartagez les fichiers volumineux autrement et envoyez un lien.
0w9wchkUtilisez des adresses qui n'ont que les lettres a à z avant le @, la vôtre comme celle du destinataire.
0lh2yzhSi votre message n’est pas confidentiel, renvoyez-le sans cette exigence.
`);
export {
  inWords2 as inWords
};
