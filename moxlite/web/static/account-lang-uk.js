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

  // lang-uk.ts
  globalThis.moxliteLanguage = language("uk", "n44bНалаштувати пристрій\nq76jБезпека\n437cПароль\nmmuuПошук у налаштуваннях\nepybЗавантаження…\nlvjeНе вдається показати обліковий запис\nmwmjСпам\naqm8{n} лист|{n} листи|{n} листів\n9em3Скасувати\nosecПов’язані скриньки\n3d82Новий пароль\n74c3Ваш обліковий запис\n9xzvІм’я, адреси, місце\n0qdfАдреси\na15sВихідна пошта\n6aqsВхідна пошта\nhd8hПравила, автовідповідь, спам\nop6oПравила\nrcyqВідсутність\nntvqПересилання\n0m2sАдреси для передачі іншим\nr725Пристрої та безпека\nt68fПароль, пристрої, програми\nnkm3Спільний доступ та імпорт\nw9qoПов’язані облікові записи, папки, імпорт\nvnnlСпільні папки\nkdg5Імпорт і експорт\nbonnДля розробників\ny7dfSieve, ключі, вебхуки\n2491Сценарії Sieve\nqep2Ключі та вебхуки\nsv5mВебпошта\nnexoобліковий запис\ntoqnСторінки\n83atВийти\nvov0Ваша пошта у вебпошті\nndxcНе показано\np43gОбліковий запис\nomryНе вдається показати цю сторінку\n2hh6Спробувати ще раз\ne7m4На цій сторінці сталася помилка\ny4onУстановіть пароль\nu7ctПерейти до входу\nhj8gСтворити новий пароль\ntlesУстановити пароль\nk8r7Ваш новий пароль установлено. Усі інші сеанси завершено.\ncb4mЗбережіть його, він більше не показуватиметься:\n0rsgДля облікового запису \n4qd1Ваші другі фактори також буде вилучено. Після цього налаштуйте двоетапний вхід знову.\nxxojЗакрити\ny1iwВихід…\nm9a9Не вдалося вийти\ng5lwСкопіювати\npuucПродовжити\njxuhСервер відповів {status}, не назвавши причини.\nciu1Сервер недоступний.\n6rxkЦе важлива зміна, тому введіть пароль ще раз.\nvlcxЦе ви?\n3u4dУвійти через {name}\n66g7Скористатися другим фактором\nklxsУвійти\nit03Адреса ел. пошти\nnt6iНе виходити на цьому пристрої\np6bmВхід: {app}\nmxtuНазад\n51qcДії\nzcw5Скопійовано\nrnanПоказати всі\ngh6dНе вдалося завантажити частину цієї сторінки. Спробуйте ще раз або перезавантажте сторінку.\naiokКод\nrpenКод відновлення\npizsСкористатися кодом із застосунку\nvxlsСкористатися кодом відновлення\nwi0xВведіть один із ваших кодів відновлення. Кожен діє один раз.\nfhduСкористайтеся ключем безпеки.\ndwbuВаші ключі безпеки не працюють за цією адресою.\nq44vВведіть код із вашого застосунку «{name}».\n895nВведіть код із вашого застосунку: {names}.\nt168Ключ «{name}» працює лише на {host}.\ne29kЩе один крок\ni6ldСкористатися ключем «{name}»\nm379Скористатися ключем безпеки\nl400Час сервера: \ntcl1Помилка у власному сценарії цього сервера\n6zmvЦей ключ безпеки вже налаштовано.\n4v0kЖоден ключ безпеки не відповів. Спробуйте ще раз або виберіть інший спосіб.\nhyvzПереміщено в {mailbox}\npwnxнемає", navigator.languages, "./errors-uk.9c7972aaafe3.js", "./texts-uk.407bb5147b1c.js", ["one", "few"]);
})();
