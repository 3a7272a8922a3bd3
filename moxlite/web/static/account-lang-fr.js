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
  globalThis.moxliteLanguage = language("fr", "n44bConfigurer un appareil\nq76jSécurité\n437cMot de passe\nmmuuRechercher dans les réglages\nepybChargement…\nlvjeLe compte ne peut pas être affiché\nmwmjIndésirables\naqm8{n} message|{n} messages\n9em3Annuler\nosecBoîtes liées\n3d82Nouveau mot de passe\n74c3Votre compte\n9xzvNom, adresses, stockage\n0qdfAdresses\na15sEnvois\n6aqsCourrier entrant\nhd8hRègles, absence, indésirables\nop6oRègles\nrcyqAbsence\nntvqTransfert\n0m2sAdresses à donner\nr725Appareils et sécurité\nt68fMot de passe, appareils, applications\nnkm3Partage et importation\nw9qoBoîtes liées, dossiers, importation\nvnnlDossiers partagés\nkdg5Importer et exporter\nbonnPour les développeurs\ny7dfSieve, clés, webhooks\n2491Scripts Sieve\nqep2Clés et webhooks\nsv5mWebmail\nnexocompte\ntoqnPages\n83atSe déconnecter\nvov0Votre courrier est dans le webmail\nndxcNon affiché\np43gCompte\nomryCette page ne peut pas être affichée\n2hh6Réessayer\ne7m4Une erreur s’est produite dans cette page\ny4onDéfinir votre mot de passe\nu7ctAller à la connexion\nhj8gCréer un nouveau mot de passe\ntlesDéfinir le mot de passe\nk8r7Votre nouveau mot de passe est défini. Toutes les autres sessions sont terminées.\ncb4mConservez-le, il ne sera plus affiché :\n0rsgPour le compte \n4qd1Vos seconds facteurs sont aussi supprimés. Réactivez ensuite la connexion en deux étapes.\nxxojFermer\ny1iwDéconnexion…\nm9a9Impossible de se déconnecter\ng5lwCopier\npuucContinuer\njxuhLe serveur a répondu {status} sans dire pourquoi.\nciu1Le serveur est injoignable.\n6rxkCe changement est important ; saisissez donc à nouveau votre mot de passe.\nvlcxEst-ce bien vous ?\n3u4dSe connecter avec {name}\n66g7Utiliser un second facteur\nklxsSe connecter\nit03Adresse e-mail\nnt6iRester connecté sur cet appareil\np6bmSe connecter à {app}\nmxtuRetour\n51qcActions\nzcw5Copié\nrnanTout afficher\ngh6dUne partie de cette page n’a pas pu être chargée. Réessayez, ou rechargez la page.\naiokCode\nrpenCode de récupération\npizsUtiliser un code d’une application\nvxlsUtiliser un code de récupération\nwi0xSaisissez l’un de vos codes de récupération. Chacun ne sert qu’une fois.\nfhduUtilisez votre clé de sécurité.\ndwbuVos clés de sécurité ne fonctionnent pas à cette adresse.\nq44vSaisissez le code de votre application « {name} ».\n895nSaisissez un code de votre application : {names}.\nt168La clé « {name} » ne fonctionne que sur {host}.\ne29kEncore une étape\ni6ldUtiliser la clé « {name} »\nm379Utiliser une clé de sécurité\nl400L’heure du serveur est \ntcl1Le script personnalisé de ce serveur a échoué\n6zmvCette clé de sécurité est déjà configurée.\n4v0kAucune clé de sécurité n’a répondu. Réessayez, ou choisissez un autre moyen.\nhyvzDéplacé vers {mailbox}\npwnxaucune", navigator.languages, "./errors-fr.893f6747a207.js", "./texts-fr.bff0d724cb55.js", ["one"]);
})();
