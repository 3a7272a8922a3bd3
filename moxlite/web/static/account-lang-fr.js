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

  // lang-fr.ts
  globalThis.moxliteLanguage = language("fr", "n44bConfigurer un appareil\nq76jSécurité\n437cMot de passe\nmwmjIndésirables\naqm8{n} message|{n} messages\n11axNom d’utilisateur\n9em3Annuler\nosecBoîtes liées\n3d82Nouveau mot de passe\nepybChargement…\nnxruAperçu\n0qdfAdresses\n0m2sAdresses à donner\nop6oRègles\nrcyqAbsence\nntvqTransfert\n2491Scripts Sieve\na15sEnvois\nkdg5Importer et exporter\nvnnlDossiers partagés\nqep2Clés et webhooks\nsv5mWebmail\nnexocompte\ntoqnPages\n83atSe déconnecter\nlvjeLe compte ne peut pas être affiché\nvov0Votre courrier est dans le webmail\nndxcNon affiché\np43gCompte\nomryCette page ne peut pas être affichée\n2hh6Réessayer\ne7m4Une erreur s’est produite dans cette page\ng6m9Votre compte\nusp5Sur votre téléphone ou ordinateur\nb874« Configurer un appareil » s’en charge. Pour le faire vous-même, utilisez :\nn2qqChaque logiciel de messagerie a besoin ici de son propre mot de passe d’application.\ndsg2Listes de diffusion dont vous êtes membre\n9scqRéécrivez un motif de vos dossiers de spam. Il {reason}.\noieqRéécrivez un motif dans les règles de {address}. Il {reason}.\njnlnVous êtes absent : les personnes qui vous écrivent reçoivent une réponse.\nv530Vous êtes absent : les personnes qui vous écrivent reçoivent une réponse. Jusqu’au {time}.\nfuaeY mettre fin ou modifier\nf342Un message a été conservé :\n18xnVotre script a échoué à la ligne {line} : {reason}.\nq5jmVotre script a échoué : {reason}.\ncuswLe message a été conservé.\n4cvuPlus rien n’est transféré à {address} : les messages envoyés là sont revenus pendant trois jours. Vos messages sont conservés ici.\n4ztf{used} utilisés, sans limite\nloox{used} utilisés sur {limit}\np0jqStockage\nos0ivers {mailbox}\ngcxk{n} règle|{n} règles\nfgh4domaine désactivé\nppnfrefuse tout courrier\n9o7ltout le monde peut y écrire\nncqgseuls les membres peuvent y écrire\nzm7gvous pouvez envoyer avec elle\na4pgses membres ne sont pas affichés\ny4onDéfinir votre mot de passe\nu7ctAller à la connexion\nhj8gCréer un nouveau mot de passe\ntlesDéfinir le mot de passe\nk8r7Votre nouveau mot de passe est défini. Toutes les autres sessions sont terminées.\ncb4mConservez-le, il ne sera plus affiché :\n0rsgPour le compte \n4qd1Vos seconds facteurs sont aussi supprimés. Réactivez ensuite la connexion en deux étapes.\nxxojFermer\ny1iwDéconnexion…\nm9a9Impossible de se déconnecter\ng5lwCopier\npuucContinuer\ntj2unon chiffré\n8jxqCe serveur n’offre aucun accès aux logiciels de messagerie : ni IMAP ni l’envoi ne sont activés.\nb8xpRéception (IMAP)\nvckuEnvoi (SMTP)\nirswun mot de passe d’application, un par logiciel. \nva05En créer un\n57f9non proposé\nyqutport {port}, {security}\nt7w6Tout le reste à {domain}\njxuhLe serveur a répondu {status} sans dire pourquoi.\nciu1Le serveur est injoignable.\n6rxkCe changement est important ; saisissez donc à nouveau votre mot de passe.\nvlcxEst-ce bien vous ?\n66g7Utiliser un second facteur\nklxsSe connecter\nit03Adresse e-mail\nnt6iRester connecté sur cet appareil\np6bmSe connecter à {app}\nmxtuRetour\nc5azquelques secondes\ns6va{n} secondes\nn84k{n} minute|{n} minutes\n577c{n} heure|{n} heures\n51qcActions\nzcw5Copié\nrnanTout afficher\ngh6dUne partie de cette page n’a pas pu être chargée. Réessayez, ou rechargez la page.\naiokCode\nrpenCode de récupération\npizsUtiliser un code d’une application\nvxlsUtiliser un code de récupération\nwi0xSaisissez l’un de vos codes de récupération. Chacun ne sert qu’une fois.\nfhduUtilisez votre clé de sécurité.\ndwbuVos clés de sécurité ne fonctionnent pas à cette adresse.\nq44vSaisissez le code de votre application « {name} ».\n895nSaisissez un code de votre application : {names}.\nt168La clé « {name} » ne fonctionne que sur {host}.\ne29kEncore une étape\ni6ldUtiliser la clé « {name} »\nm379Utiliser une clé de sécurité\nl400L’heure du serveur est \ntcl1Le script personnalisé de ce serveur a échoué\nfksyhier {time}\n8ur1demain {time}\nooy4{n} jour|{n} jours\nf0gg{n} seconde|{n} secondes\nz027à l’instant\nzxffil y a {time}\n6zmvCette clé de sécurité est déjà configurée.\n4v0kAucune clé de sécurité n’a répondu. Réessayez, ou choisissez un autre moyen.\nhyvzDéplacé vers {mailbox}\npwnxaucune", navigator.languages, "./errors-fr.ac5409a1db75.js", "./texts-fr.7bc86319906b.js", ["one"]);
})();
