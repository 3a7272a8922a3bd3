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

  // lang-pt.ts
  globalThis.moxliteLanguage = language("pt", "n44bConfigurar um aparelho\nq76jSegurança\n437cSenha\nmmuuPesquisar nas configurações\nepybCarregando…\nlvjeA conta não pode ser mostrada\nmwmjSpam\naqm8{n} mensagem|{n} mensagens\n9em3Cancelar\nosecCaixas vinculadas\n3d82Nova senha\n74c3Sua conta\n9xzvNome, endereços, armazenamento\n0qdfEndereços\na15sSaída\n6aqsE-mails recebidos\nhd8hRegras, ausência, spam\nop6oRegras\nrcyqAusência\nntvqEncaminhamento\n0m2sEndereços para dar\nr725Dispositivos e segurança\nt68fSenha, dispositivos, aplicativos\nnkm3Compartilhamento e importação\nw9qoCaixas vinculadas, pastas, importação\nvnnlPastas compartilhadas\nkdg5Importar e exportar\nbonnPara desenvolvedores\ny7dfSieve, chaves, webhooks\n2491Scripts Sieve\nqep2Chaves e webhooks\nsv5mWebmail\nnexoconta\ntoqnPáginas\n83atSair\nvov0Seu e-mail está no webmail\nndxcNão mostrado\np43gConta\nomryEsta página não pode ser mostrada\n2hh6Tentar de novo\ne7m4Algo deu errado nesta página\ny4onDefinir sua senha\nu7ctIr para a entrada\nhj8gCriar uma nova senha\ntlesDefinir a senha\nk8r7Sua nova senha está definida. Todas as outras sessões terminaram.\ncb4mGuarde-a, ela não será mostrada de novo:\n0rsgPara a conta \n4qd1Seus segundos fatores também são removidos. Depois disso, configure de novo a verificação em duas etapas.\nxxojFechar\ny1iwSaindo…\nm9a9Não foi possível sair\ng5lwCopiar\npuucContinuar\njxuhO servidor respondeu {status} sem dizer por quê.\nciu1O servidor não pode ser alcançado.\n6rxkEsta é uma alteração importante, então digite sua senha de novo.\nvlcxÉ você?\n3u4dEntrar com {name}\n66g7Usar um segundo fator\nklxsEntrar\nit03Endereço de e-mail\nnt6iContinuar conectado neste aparelho\np6bmEntrar em {app}\nmxtuVoltar\n51qcAções\nzcw5Copiado\nrnanMostrar tudo\ngh6dUma parte desta página não pôde ser carregada. Tente de novo, ou recarregue a página.\naiokCódigo\nrpenCódigo de recuperação\npizsUsar um código de um app\nvxlsUsar um código de recuperação\nwi0xDigite um de seus códigos de recuperação. Cada um vale uma vez.\nfhduUse sua chave de segurança.\ndwbuSuas chaves de segurança não funcionam neste endereço.\nq44vDigite o código do seu app “{name}”.\n895nDigite um código do seu app: {names}.\nt168A chave “{name}” só funciona em {host}.\ne29kMais um passo\ni6ldUsar a chave “{name}”\nm379Usar uma chave de segurança\nl400A hora do servidor é \ntcl1O script próprio deste servidor falhou\n6zmvEsta chave de segurança já está configurada.\n4v0kNenhuma chave de segurança respondeu. Tente de novo, ou escolha outra forma.\nhyvzMovida para {mailbox}\npwnxnenhum", navigator.languages, "./errors-pt.906d1ed92895.js", "./texts-pt.2149246a97a6.js", ["one"]);
})();
