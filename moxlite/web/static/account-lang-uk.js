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
  globalThis.moxliteLanguage = language("uk", "n44bНалаштувати пристрій\nq76jБезпека\n437cПароль\nmwmjСпам\naqm8{n} лист|{n} листи|{n} листів\n9em3Скасувати\nosecПов’язані скриньки\n3d82Новий пароль\nepybЗавантаження…\nnxruОгляд\n0qdfАдреси\ngaxaПошта\n0m2sАдреси для передачі іншим\nop6oПравила\njse3Відсутність\nntvqПересилання\n2491Сценарії Sieve\na15sВихідна пошта\nkdg5Імпорт і експорт\n65moБільше\nvnnlСпільні папки\nqep2Ключі та вебхуки\nsv5mВебпошта\nnexoобліковий запис\ntoqnСторінки\n83atВийти\nlvjeНе вдається показати обліковий запис\n60qoВаша пошта у вебпошті\n2b7bНе показано\np43gОбліковий запис\nkwg5Не вдається показати цю сторінку\n2hh6Спробувати ще раз\nrt5qНа цій сторінці сталася помилка\ng6m9Ваш обліковий запис\nusp5На телефоні або комп’ютері\n42fn«Налаштувати пристрій» зробить це за вас. Щоб зробити вручну, використайте:\nn2qqПоштовим програмам тут потрібен пароль застосунку, окремий для кожної.\ni9jcСписки розсилки, у яких ви є\noh8nНапишіть заново шаблон ваших папок зі спамом. Він\ncajpНапишіть заново шаблон у правилах для {address}. Він\njnlnВи відсутні: ті, хто вам пише, отримують відповідь.\n2a5rДо\nlkh2Завершити або змінити\nqsukЛист збережено:\n3bhxПомилка у вашому сценарії в рядку {line}:\nukugПомилка у вашому сценарії:\nksf4Лист збережено.\nrf76Більше нічого не пересилається на\nq3q2— листи туди поверталися три дні. Ваша пошта зберігається тут.\n4ztfВикористано {used}, без обмежень\nlooxВикористано {used} з {limit}\np0jqСховище\nos0iу {mailbox}\ngcxk{n} правило|{n} правила|{n} правил\nfgh4домен вимкнено\nppnfвідхиляє всі листи\nkjbsна неї можуть писати всі\na7f4на неї можуть писати лише учасники\nix9cви можете надсилати від її імені\nh0z0її учасників не показано\ny4onУстановіть пароль\nu7ctПерейти до входу\nwhpvСтворити новий пароль\n5t41Установити пароль\nsfi3Ваш новий пароль установлено. Усі інші сеанси завершено.\nxqw6Збережіть його, він більше не показуватиметься:\n0rsgДля облікового запису \n4qd1Ваші другі фактори також буде вилучено. Після цього налаштуйте двоетапний вхід знову.\nxxojЗакрити\ny1iwВихід…\nm9a9Не вдалося вийти\ng5lwСкопіювати\ntj2uне зашифровано\n8jxqЦей сервер не дає доступу поштовим програмам: не увімкнено ні IMAP, ні надсилання.\nb8xpВхідна пошта (IMAP)\nvckuВихідна пошта (SMTP)\n9jitІм’я користувача\nz36wпароль застосунку, окремий для кожної програми. \ntek7Створити\n2rvdне пропонується\nyqutпорт {port}, {security}\nt7w6Усе інше на {domain}\nw8sjСервер відповів {status}, не назвавши причини.\nfu55Сервер недоступний.\nk3u3Це важлива зміна, тому введіть пароль ще раз.\nn1gyЦе ви?\npuucПродовжити\n66g7Скористатися другим фактором\nklxsУвійти\nit03Адреса ел. пошти\nhrj8Не виходити на цьому пристрої\np6bmВхід: {app}\nmxtuНазад\nc5azкілька секунд\ns6va{n} с\nn84k{n} хв|{n} хв|{n} хв\n577c{n} год|{n} год|{n} год\n51qcДії\nzcw5Скопійовано\nrnanПоказати всі\nrcmkНе вдалося завантажити частину цієї сторінки. Спробуйте ще раз або перезавантажте сторінку.\naiokКод\nrpenКод відновлення\n0sanСкористатися кодом із застосунку\ndsdbСкористатися кодом відновлення\ndy8iВведіть один із ваших кодів відновлення. Кожен діє один раз.\nfhduСкористайтеся ключем безпеки.\ndwbuВаші ключі безпеки не працюють за цією адресою.\n8o22Введіть код із вашого застосунку «{name}».\nepheВведіть код із вашого застосунку: {names}.\nxp16Ключ «{name}» працює лише на {host}.\nozbeЩе один крок\n093cСкористатися ключем «{name}»\nudigСкористатися ключем безпеки\nl400Час сервера: \ntcl1Помилка у власному сценарії цього сервера\nfksyучора {time}\n8ur1завтра {time}\nooy4{n} день|{n} дні|{n} днів\nf0gg{n} с|{n} с|{n} с\nz027щойно\nzxff{time} тому\nooknЦей ключ безпеки вже налаштовано.\nw14tЖоден ключ безпеки не відповів. Спробуйте ще раз або виберіть інший спосіб.\nhyvzПереміщено в {mailbox}\npwnxнемає", navigator.languages, "./errors-uk.174f009a34fb.js", "./texts-uk.2286e0f5a320.js", ["one", "few"]);
})();
