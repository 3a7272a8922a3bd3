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

  // lang-sv.ts
  globalThis.moxliteLanguage = language("sv", "n44bStäll in en enhet\nq76jSäkerhet\n437cLösenord\nmmuuSök i inställningarna\nepybLäser in…\nlvjeKontot kan inte visas\nmwmjSkräppost\naqm8{n} meddelande|{n} meddelanden\n9em3Avbryt\nosecLänkade brevlådor\n3d82Nytt lösenord\n74c3Ditt konto\n9xzvNamn, adresser, lagring\n0qdfAdresser\na15sUtgående\n6aqsInkommande e-post\nhd8hRegler, frånvaro, skräppost\nop6oRegler\nrcyqFrånvaro\nntvqVidarebefordran\n0m2sAdresser att ge bort\nr725Enheter och säkerhet\nt68fLösenord, enheter, appar\nnkm3Delning och import\nw9qoLänkade konton, mappar, import\nvnnlDelade mappar\nkdg5Importera och exportera\nbonnFör utvecklare\ny7dfSieve, nycklar, webhookar\n2491Sieve-skript\nqep2Nycklar och webhooks\nsv5mWebbmejl\nnexokonto\ntoqnSidor\n83atLogga ut\nvov0Din post finns i webbmejlen\nndxcInte visad\np43gKonto\nomrySidan kan inte visas\n2hh6Försök igen\ne7m4Något gick fel på sidan\ny4onAnge ditt lösenord\nu7ctGå till inloggningen\nhj8gSkapa ett nytt lösenord\ntlesAnge lösenordet\nk8r7Ditt nya lösenord är angivet. Alla andra sessioner har avslutats.\ncb4mSpara det, det visas inte igen:\n0rsgFör kontot \n4qd1Dina andra faktorer tas också bort. Ställ in tvåstegsinloggning igen därefter.\nxxojStäng\ny1iwLoggar ut…\nm9a9Det gick inte att logga ut\ng5lwKopiera\npuucFortsätt\njxuhServern svarade {status} utan att säga varför.\nciu1Servern kan inte nås.\n6rxkDet är en viktig ändring, så ange ditt lösenord igen.\nvlcxÄr det du?\n3u4dLogga in med {name}\n66g7Använd en andra faktor\nklxsLogga in\nit03E-postadress\nnt6iFörbli inloggad på den här enheten\np6bmLogga in på {app}\nmxtuTillbaka\n51qcÅtgärder\nzcw5Kopierat\nrnanVisa alla\ngh6dEn del av sidan kunde inte läsas in. Försök igen eller läs in sidan på nytt.\naiokKod\nrpenÅterställningskod\npizsAnvänd en kod från en app\nvxlsAnvänd en återställningskod\nwi0xSkriv en av dina återställningskoder. Var och en fungerar en gång.\nfhduAnvänd din säkerhetsnyckel.\ndwbuDina säkerhetsnycklar fungerar inte på den här adressen.\nq44vSkriv koden från din app ”{name}”.\n895nSkriv en kod från din app: {names}.\nt168Nyckeln ”{name}” fungerar bara på {host}.\ne29kEtt steg till\ni6ldAnvänd nyckeln ”{name}”\nm379Använd en säkerhetsnyckel\nl400Serverns tid är \ntcl1Serverns eget skript misslyckades\n6zmvSäkerhetsnyckeln är redan inställd.\n4v0kIngen säkerhetsnyckel svarade. Försök igen eller välj ett annat sätt.\nhyvzFlyttat till {mailbox}\npwnxingen", navigator.languages, "./errors-sv.47e6dd6123a1.js", "./texts-sv.c7eee01e676e.js", ["one"]);
})();
