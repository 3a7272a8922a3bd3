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
  globalThis.moxliteLanguage = language("uk", "n44bНалаштувати пристрій\nq76jБезпека\n437cПароль\nmwmjСпам\naqm8{n} лист|{n} листи|{n} листів\n11axІм’я користувача\n9em3Скасувати\nosecПов’язані скриньки\n3d82Новий пароль\nepybЗавантаження…\nnxruОгляд\n0qdfАдреси\n0m2sАдреси для передачі іншим\nop6oПравила\nrcyqВідсутність\nntvqПересилання\n2491Сценарії Sieve\na15sВихідна пошта\nkdg5Імпорт і експорт\nvnnlСпільні папки\nqep2Ключі та вебхуки\nsv5mВебпошта\nnexoобліковий запис\ntoqnСторінки\n83atВийти\nlvjeНе вдається показати обліковий запис\nvov0Ваша пошта у вебпошті\nndxcНе показано\np43gОбліковий запис\nomryНе вдається показати цю сторінку\n2hh6Спробувати ще раз\ne7m4На цій сторінці сталася помилка\ng6m9Ваш обліковий запис\nusp5На телефоні або комп’ютері\nb874«Налаштувати пристрій» зробить це за вас. Щоб зробити вручну, використайте:\nn2qqПоштовим програмам тут потрібен пароль застосунку, окремий для кожної.\ndsg2Списки розсилки, у яких ви є\n9scqНапишіть заново шаблон ваших папок зі спамом. Він {reason}.\noieqНапишіть заново шаблон у правилах для {address}. Він {reason}.\njnlnВи відсутні: ті, хто вам пише, отримують відповідь.\nv530Ви відсутні: ті, хто вам пише, отримують відповідь. До {time}.\nfuaeЗавершити або змінити\nf342Лист збережено:\n18xnПомилка у вашому сценарії в рядку {line}: {reason}.\nq5jmПомилка у вашому сценарії: {reason}.\ncuswЛист збережено.\n4cvuБільше нічого не пересилається на {address} — листи туди поверталися три дні. Ваша пошта зберігається тут.\n4ztfВикористано {used}, без обмежень\nlooxВикористано {used} з {limit}\np0jqСховище\nos0iу {mailbox}\ngcxk{n} правило|{n} правила|{n} правил\nfgh4домен вимкнено\nppnfвідхиляє всі листи\n9o7lна неї можуть писати всі\nncqgна неї можуть писати лише учасники\nzm7gви можете надсилати від її імені\na4pgїї учасників не показано\ny4onУстановіть пароль\nu7ctПерейти до входу\nhj8gСтворити новий пароль\ntlesУстановити пароль\nk8r7Ваш новий пароль установлено. Усі інші сеанси завершено.\ncb4mЗбережіть його, він більше не показуватиметься:\n0rsgДля облікового запису \n4qd1Ваші другі фактори також буде вилучено. Після цього налаштуйте двоетапний вхід знову.\nxxojЗакрити\ny1iwВихід…\nm9a9Не вдалося вийти\ng5lwСкопіювати\npuucПродовжити\ntj2uне зашифровано\n8jxqЦей сервер не дає доступу поштовим програмам: не увімкнено ні IMAP, ні надсилання.\nb8xpВхідна пошта (IMAP)\nvckuВихідна пошта (SMTP)\nirswпароль застосунку, окремий для кожної програми. \nva05Створити\n57f9не пропонується\nyqutпорт {port}, {security}\nt7w6Усе інше на {domain}\njxuhСервер відповів {status}, не назвавши причини.\nciu1Сервер недоступний.\n6rxkЦе важлива зміна, тому введіть пароль ще раз.\nvlcxЦе ви?\n66g7Скористатися другим фактором\nklxsУвійти\nit03Адреса ел. пошти\nnt6iНе виходити на цьому пристрої\np6bmВхід: {app}\nmxtuНазад\nc5azкілька секунд\ns6va{n} с\nn84k{n} хв|{n} хв|{n} хв\n577c{n} год|{n} год|{n} год\n51qcДії\nzcw5Скопійовано\nrnanПоказати всі\ngh6dНе вдалося завантажити частину цієї сторінки. Спробуйте ще раз або перезавантажте сторінку.\naiokКод\nrpenКод відновлення\npizsСкористатися кодом із застосунку\nvxlsСкористатися кодом відновлення\nwi0xВведіть один із ваших кодів відновлення. Кожен діє один раз.\nfhduСкористайтеся ключем безпеки.\ndwbuВаші ключі безпеки не працюють за цією адресою.\nq44vВведіть код із вашого застосунку «{name}».\n895nВведіть код із вашого застосунку: {names}.\nt168Ключ «{name}» працює лише на {host}.\ne29kЩе один крок\ni6ldСкористатися ключем «{name}»\nm379Скористатися ключем безпеки\nl400Час сервера: \ntcl1Помилка у власному сценарії цього сервера\nfksyучора {time}\n8ur1завтра {time}\nooy4{n} день|{n} дні|{n} днів\nf0gg{n} с|{n} с|{n} с\nz027щойно\nzxff{time} тому\n6zmvЦей ключ безпеки вже налаштовано.\n4v0kЖоден ключ безпеки не відповів. Спробуйте ще раз або виберіть інший спосіб.\nhyvzПереміщено в {mailbox}\npwnxнемає", navigator.languages, "./errors-uk.dbac06530db0.js", "./texts-uk.4f89ebea93ef.js", ["one", "few"]);
})();
