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

  // lang-pl.ts
  globalThis.moxliteLanguage = language("pl", "n44bSkonfiguruj urządzenie\nq76jBezpieczeństwo\n437cHasło\nmmuuSzukaj w ustawieniach\nepybWczytywanie…\nlvjeNie można pokazać konta\nmwmjSpam\naqm8{n} wiadomość|{n} wiadomości|{n} wiadomości\n9em3Anuluj\nosecPołączone skrzynki\n3d82Nowe hasło\n74c3Twoje konto\n9xzvNazwa, adresy, miejsce\n0qdfAdresy\na15sWychodzące\n6aqsPoczta przychodząca\nhd8hReguły, nieobecność, spam\nop6oReguły\nrcyqNieobecność\nntvqPrzekierowanie\n0m2sAdresy do rozdania\nr725Urządzenia i bezpieczeństwo\nt68fHasło, urządzenia, aplikacje\nnkm3Udostępnianie i import\nw9qoPołączone skrzynki, foldery, import\nvnnlUdostępnione foldery\nkdg5Import i eksport\nbonnDla programistów\ny7dfSieve, klucze, webhooki\n2491Skrypty Sieve\nqep2Klucze i webhooki\nsv5mPoczta w przeglądarce\nnexokonto\ntoqnStrony\n83atWyloguj się\nvov0Twoja poczta jest w przeglądarce poczty\nndxcNie pokazano\np43gKonto\nomryNie można pokazać tej strony\n2hh6Spróbuj ponownie\ne7m4Coś poszło nie tak na tej stronie\ny4onUstaw hasło\nu7ctPrzejdź do logowania\nhj8gUtwórz nowe hasło\ntlesUstaw hasło\nk8r7Nowe hasło jest ustawione. Wszystkie inne sesje zakończono.\ncb4mZachowaj je, nie zostanie pokazane ponownie:\n0rsgDla konta \n4qd1Usuwane są też drugie składniki. Potem ponownie włącz logowanie dwuetapowe.\nxxojZamknij\ny1iwWylogowywanie…\nm9a9Nie udało się wylogować\ng5lwKopiuj\npuucDalej\njxuhSerwer odpowiedział {status}, nie podając powodu.\nciu1Serwer jest nieosiągalny.\n6rxkTo ważna zmiana, więc podaj ponownie hasło.\nvlcxCzy to Ty?\n3u4dZaloguj się przez {name}\n66g7Użyj drugiego składnika\nklxsZaloguj się\nit03Adres e-mail\nnt6iNie wylogowuj na tym urządzeniu\np6bmLogowanie do {app}\nmxtuWstecz\n51qcDziałania\nzcw5Skopiowano\nrnanPokaż wszystko\ngh6dNie można było wczytać części tej strony. Spróbuj ponownie lub wczytaj stronę od nowa.\naiokKod\nrpenKod odzyskiwania\npizsUżyj kodu z aplikacji\nvxlsUżyj kodu odzyskiwania\nwi0xWpisz jeden z kodów odzyskiwania. Każdy działa raz.\nfhduUżyj klucza bezpieczeństwa.\ndwbuTwoje klucze bezpieczeństwa nie działają pod tym adresem.\nq44vWpisz kod z aplikacji „{name}”.\n895nWpisz kod z aplikacji: {names}.\nt168Klucz „{name}” działa tylko na {host}.\ne29kJeszcze jeden krok\ni6ldUżyj klucza „{name}”\nm379Użyj klucza bezpieczeństwa\nl400Czas serwera to \ntcl1Własny skrypt tego serwera zawiódł\n6zmvTen klucz bezpieczeństwa jest już skonfigurowany.\n4v0kŻaden klucz bezpieczeństwa nie odpowiedział. Spróbuj ponownie lub wybierz inny sposób.\nhyvzPrzeniesiono do {mailbox}\npwnxbrak", navigator.languages, "./errors-pl.b179efc6a7c1.js", "./texts-pl.5813de85a3b1.js", ["one", "few"]);
})();
