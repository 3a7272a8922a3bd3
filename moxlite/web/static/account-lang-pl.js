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
  globalThis.moxliteLanguage = language("pl", "n44bSkonfiguruj urządzenie\nq76jBezpieczeństwo\n437cHasło\nmwmjSpam\naqm8{n} wiadomość|{n} wiadomości|{n} wiadomości\n11axNazwa użytkownika\n9em3Anuluj\nosecPołączone skrzynki\n3d82Nowe hasło\nepybWczytywanie…\nnxruPrzegląd\n0qdfAdresy\n0m2sAdresy do rozdania\nop6oReguły\nrcyqNieobecność\nntvqPrzekierowanie\n2491Skrypty Sieve\na15sWychodzące\nkdg5Import i eksport\nvnnlUdostępnione foldery\nqep2Klucze i webhooki\nsv5mPoczta w przeglądarce\nnexokonto\ntoqnStrony\n83atWyloguj się\nlvjeNie można pokazać konta\nvov0Twoja poczta jest w przeglądarce poczty\nndxcNie pokazano\np43gKonto\nomryNie można pokazać tej strony\n2hh6Spróbuj ponownie\ne7m4Coś poszło nie tak na tej stronie\ng6m9Twoje konto\nusp5Na telefonie lub komputerze\nb874„Skonfiguruj urządzenie” zrobi to za Ciebie. Aby zrobić to ręcznie, użyj:\nn2qqProgramy pocztowe potrzebują tu hasła aplikacji, każdy własnego.\ndsg2Listy, na których jesteś\n9scqNapisz od nowa wzorzec folderów spamu. {reason}.\noieqNapisz od nowa wzorzec w regułach {address}. {reason}.\njnlnJesteś nieobecny: kto do Ciebie pisze, dostaje odpowiedź.\nv530Jesteś nieobecny: kto do Ciebie pisze, dostaje odpowiedź. Do {time}.\nfuaeZakończ lub zmień\nf342Zachowano wiadomość:\n18xnTwój skrypt zawiódł w wierszu {line}: {reason}.\nq5jmTwój skrypt zawiódł: {reason}.\ncuswWiadomość zachowano.\n4cvuNic już nie jest wysyłane do {address}: poczta wracała stamtąd przez trzy dni. Twoja poczta jest zachowana tutaj.\n4ztfzajęte {used}, bez limitu\nlooxzajęte {used} z {limit}\np0jqMiejsce\nos0ido {mailbox}\ngcxk{n} reguła|{n} reguły|{n} reguł\nfgh4domena wyłączona\nppnfodrzuca całą pocztę\n9o7lkażdy może na niego pisać\nncqgtylko członkowie mogą na niego pisać\nzm7gmożesz z niego wysyłać\na4pgjego członkowie nie są pokazani\ny4onUstaw hasło\nu7ctPrzejdź do logowania\nhj8gUtwórz nowe hasło\ntlesUstaw hasło\nk8r7Nowe hasło jest ustawione. Wszystkie inne sesje zakończono.\ncb4mZachowaj je, nie zostanie pokazane ponownie:\n0rsgDla konta \n4qd1Usuwane są też drugie składniki. Potem ponownie włącz logowanie dwuetapowe.\nxxojZamknij\ny1iwWylogowywanie…\nm9a9Nie udało się wylogować\ng5lwKopiuj\npuucDalej\ntj2unieszyfrowana\n8jxqTen serwer nie oferuje programom pocztowym dostępu: ani IMAP, ani wysyłanie nie są włączone.\nb8xpPrzychodząca (IMAP)\nvckuWychodząca (SMTP)\nirswhasło aplikacji, osobne dla każdego programu. \nva05Utwórz je\n57f9nieoferowane\nyqutport {port}, {security}\nt7w6Cała reszta w {domain}\njxuhSerwer odpowiedział {status}, nie podając powodu.\nciu1Serwer jest nieosiągalny.\n6rxkTo ważna zmiana, więc podaj ponownie hasło.\nvlcxCzy to Ty?\n66g7Użyj drugiego składnika\nklxsZaloguj się\nit03Adres e-mail\nnt6iNie wylogowuj na tym urządzeniu\np6bmLogowanie do {app}\nmxtuWstecz\nc5azkilka sekund\ns6va{n} s\nn84k{n} minuta|{n} minuty|{n} minut\n577c{n} godzina|{n} godziny|{n} godzin\n51qcDziałania\nzcw5Skopiowano\nrnanPokaż wszystko\ngh6dNie można było wczytać części tej strony. Spróbuj ponownie lub wczytaj stronę od nowa.\naiokKod\nrpenKod odzyskiwania\npizsUżyj kodu z aplikacji\nvxlsUżyj kodu odzyskiwania\nwi0xWpisz jeden z kodów odzyskiwania. Każdy działa raz.\nfhduUżyj klucza bezpieczeństwa.\ndwbuTwoje klucze bezpieczeństwa nie działają pod tym adresem.\nq44vWpisz kod z aplikacji „{name}”.\n895nWpisz kod z aplikacji: {names}.\nt168Klucz „{name}” działa tylko na {host}.\ne29kJeszcze jeden krok\ni6ldUżyj klucza „{name}”\nm379Użyj klucza bezpieczeństwa\nl400Czas serwera to \ntcl1Własny skrypt tego serwera zawiódł\nfksywczoraj {time}\n8ur1jutro {time}\nooy4{n} dzień|{n} dni|{n} dni\nf0gg{n} sekunda|{n} sekundy|{n} sekund\nz027przed chwilą\nzxff{time} temu\n6zmvTen klucz bezpieczeństwa jest już skonfigurowany.\n4v0kŻaden klucz bezpieczeństwa nie odpowiedział. Spróbuj ponownie lub wybierz inny sposób.\nhyvzPrzeniesiono do {mailbox}\npwnxbrak", navigator.languages, "./errors-pl.97b9a9250c4f.js", "./texts-pl.4e5cadad5926.js", ["one", "few"]);
})();
