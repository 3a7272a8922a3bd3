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

  // lang-cs.ts
  globalThis.moxliteLanguage = language("cs", "n44bNastavit zařízení\nq76jZabezpečení\n437cHeslo\nmmuuHledat v nastavení\nepybNačítání…\nlvjeÚčet nelze zobrazit\nmwmjSpam\naqm8{n} zpráva|{n} zprávy|{n} zpráv\n9em3Zrušit\nosecPropojené schránky\n3d82Nové heslo\n74c3Váš účet\n9xzvJméno, adresy, úložiště\n0qdfAdresy\na15sOdchozí\n6aqsPříchozí pošta\nhd8hPravidla, nepřítomnost, spam\nop6oPravidla\nrcyqNepřítomnost\nntvqPřeposílání\n0m2sAdresy pro cizí\nr725Zařízení a zabezpečení\nt68fHeslo, zařízení, aplikace\nnkm3Sdílení a import\nw9qoPropojené schránky, složky, import\nvnnlSdílené složky\nkdg5Import a export\nbonnPro vývojáře\ny7dfSieve, klíče, webhooky\n2491Skripty Sieve\nqep2Klíče a webhooky\nsv5mWebmail\nnexoúčet\ntoqnStránky\n83atOdhlásit se\nvov0Vaše pošta je ve webmailu\nndxcNezobrazeno\np43gÚčet\nomryTuto stránku nelze zobrazit\n2hh6Zkusit znovu\ne7m4Na této stránce došlo k chybě\ny4onNastavení hesla\nu7ctPřejít na přihlášení\nhj8gVytvořit nové heslo\ntlesNastavit heslo\nk8r7Nové heslo je nastaveno. Všechny ostatní relace byly ukončeny.\ncb4mUschovejte si ho, znovu se nezobrazí:\n0rsgPro účet \n4qd1Odeberou se i vaše druhé faktory. Potom dvoufázové přihlášení nastavte znovu.\nxxojZavřít\ny1iwOdhlašování…\nm9a9Odhlášení se nezdařilo\ng5lwKopírovat\npuucPokračovat\njxuhServer odpověděl {status} bez udání důvodu.\nciu1Server není dostupný.\n6rxkJde o důležitou změnu, proto zadejte znovu heslo.\nvlcxJste to vy?\n3u4dPřihlásit se přes {name}\n66g7Použít druhý faktor\nklxsPřihlásit se\nit03E-mailová adresa\nnt6iZůstat přihlášen na tomto zařízení\np6bmPřihlášení do {app}\nmxtuZpět\n51qcAkce\nzcw5Zkopírováno\nrnanZobrazit vše\ngh6dČást této stránky se nepodařilo načíst. Zkuste to znovu, nebo stránku znovu načtěte.\naiokKód\nrpenZáchranný kód\npizsPoužít kód z aplikace\nvxlsPoužít záchranný kód\nwi0xZadejte jeden ze svých záchranných kódů. Každý funguje jednou.\nfhduPoužijte svůj bezpečnostní klíč.\ndwbuVaše bezpečnostní klíče na této adrese nefungují.\nq44vZadejte kód z aplikace „{name}“.\n895nZadejte kód z aplikace: {names}.\nt168Klíč „{name}“ funguje jen na {host}.\ne29kJeště jeden krok\ni6ldPoužít klíč „{name}“\nm379Použít bezpečnostní klíč\nl400Čas serveru je \ntcl1Vlastní skript tohoto serveru selhal\n6zmvTento bezpečnostní klíč je už nastaven.\n4v0kŽádný bezpečnostní klíč neodpověděl. Zkuste to znovu, nebo zvolte jiný způsob.\nhyvzPřesunuto do {mailbox}\npwnxžádné", navigator.languages, "./errors-cs.c06a6959da01.js", "./texts-cs.b9a59949722a.js", ["one", "few"]);
})();
