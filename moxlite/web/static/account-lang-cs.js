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
  globalThis.moxliteLanguage = language("cs", "n44bNastavit zařízení\nq76jZabezpečení\n437cHeslo\nmwmjSpam\naqm8{n} zpráva|{n} zprávy|{n} zpráv\n11axUživatelské jméno\n9em3Zrušit\nosecPropojené schránky\n3d82Nové heslo\nepybNačítání…\nnxruPřehled\n0qdfAdresy\n0m2sAdresy pro cizí\nop6oPravidla\nrcyqNepřítomnost\nntvqPřeposílání\n2491Skripty Sieve\na15sOdchozí\nkdg5Import a export\nvnnlSdílené složky\nqep2Klíče a webhooky\nsv5mWebmail\nnexoúčet\ntoqnStránky\n83atOdhlásit se\nlvjeÚčet nelze zobrazit\nvov0Vaše pošta je ve webmailu\nndxcNezobrazeno\np43gÚčet\nomryTuto stránku nelze zobrazit\n2hh6Zkusit znovu\ne7m4Na této stránce došlo k chybě\ng6m9Váš účet\nusp5V telefonu nebo počítači\nb874„Nastavit zařízení“ to udělá za vás. Při ručním nastavení použijte:\nn2qqPoštovní programy zde potřebují heslo aplikace, každý své.\ndsg2Konference, ve kterých jste\n9scqNapište znovu vzor složek se spamem. Tento vzor {reason}.\noieqNapište znovu vzor v pravidlech adresy {address}. Tento vzor {reason}.\njnlnJste mimo: lidé, kteří vám píší, dostávají odpověď.\nv530Jste mimo: lidé, kteří vám píší, dostávají odpověď. Do {time}.\nfuaeUkončit nebo změnit\nf342Zpráva byla ponechána:\n18xnVáš skript selhal na řádku {line}: {reason}.\nq5jmVáš skript selhal: {reason}.\ncuswZpráva byla ponechána.\n4cvuUž se nic nepřeposílá na {address} – pošta se odtud tři dny vracela. Vaše pošta zůstává zde.\n4ztfVyužito {used}, bez omezení\nlooxVyužito {used} z {limit}\np0jqÚložiště\nos0ido {mailbox}\ngcxk{n} pravidlo|{n} pravidla|{n} pravidel\nfgh4doména vypnuta\nppnfodmítá veškerou poštu\n9o7lsmí na ni psát kdokoli\nncqgsmějí na ni psát jen členové\nzm7gsmíte z ní odesílat\na4pgjejí členové se nezobrazují\ny4onNastavení hesla\nu7ctPřejít na přihlášení\nhj8gVytvořit nové heslo\ntlesNastavit heslo\nk8r7Nové heslo je nastaveno. Všechny ostatní relace byly ukončeny.\ncb4mUschovejte si ho, znovu se nezobrazí:\n0rsgPro účet \n4qd1Odeberou se i vaše druhé faktory. Potom dvoufázové přihlášení nastavte znovu.\nxxojZavřít\ny1iwOdhlašování…\nm9a9Odhlášení se nezdařilo\ng5lwKopírovat\npuucPokračovat\ntj2unešifrováno\n8jxqTento server nenabízí poštovním programům žádný přístup: IMAP ani odesílání nejsou zapnuté.\nb8xpPříchozí (IMAP)\nvckuOdchozí (SMTP)\nirswheslo aplikace, pro každý program jedno. \nva05Vytvořit\n57f9nenabízí se\nyqutport {port}, {security}\nt7w6Vše ostatní na {domain}\njxuhServer odpověděl {status} bez udání důvodu.\nciu1Server není dostupný.\n6rxkJde o důležitou změnu, proto zadejte znovu heslo.\nvlcxJste to vy?\n66g7Použít druhý faktor\nklxsPřihlásit se\nit03E-mailová adresa\nnt6iZůstat přihlášen na tomto zařízení\np6bmPřihlášení do {app}\nmxtuZpět\nc5azněkolik sekund\ns6va{n} sekund\nn84k{n} minutu|{n} minuty|{n} minut\n577c{n} hodinu|{n} hodiny|{n} hodin\n51qcAkce\nzcw5Zkopírováno\nrnanZobrazit vše\ngh6dČást této stránky se nepodařilo načíst. Zkuste to znovu, nebo stránku znovu načtěte.\naiokKód\nrpenZáchranný kód\npizsPoužít kód z aplikace\nvxlsPoužít záchranný kód\nwi0xZadejte jeden ze svých záchranných kódů. Každý funguje jednou.\nfhduPoužijte svůj bezpečnostní klíč.\ndwbuVaše bezpečnostní klíče na této adrese nefungují.\nq44vZadejte kód z aplikace „{name}“.\n895nZadejte kód z aplikace: {names}.\nt168Klíč „{name}“ funguje jen na {host}.\ne29kJeště jeden krok\ni6ldPoužít klíč „{name}“\nm379Použít bezpečnostní klíč\nl400Čas serveru je \ntcl1Vlastní skript tohoto serveru selhal\nfksyvčera {time}\n8ur1zítra {time}\nooy4{n} den|{n} dny|{n} dní\nf0gg{n} sekundu|{n} sekundy|{n} sekund\nz027právě teď\nzxff{time} zpět\n6zmvTento bezpečnostní klíč je už nastaven.\n4v0kŽádný bezpečnostní klíč neodpověděl. Zkuste to znovu, nebo zvolte jiný způsob.\nhyvzPřesunuto do {mailbox}\npwnxžádné", navigator.languages, "./errors-cs.997c1326e5dd.js", "./texts-cs.dd83a8d816d7.js", ["one", "few"]);
})();
