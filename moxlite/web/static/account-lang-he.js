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

  // lang-he.ts
  globalThis.moxliteLanguage = language("he", "n44bהגדרת מכשיר\nq76jאבטחה\n437cסיסמה\nmmuuחיפוש בהגדרות\nepybטוען…\nlvjeלא ניתן להציג את החשבון\nmwmjדואר זבל\naqm8הודעה אחת|שתי הודעות|{n} הודעות\n9em3ביטול\nosecתיבות דואר מקושרות\n3d82סיסמה חדשה\n74c3החשבון שלך\n9xzvשם, כתובות, אחסון\n0qdfכתובות\na15sדואר יוצא\n6aqsדואר נכנס\nhd8hכללים, היעדרות, דואר זבל\nop6oכללים\nrcyqהיעדרות\nntvqהעברה הלאה\n0m2sכתובות למסירה\nr725מכשירים ואבטחה\nt68fסיסמה, מכשירים, יישומים\nnkm3שיתוף וייבוא\nw9qoתיבות דואר מקושרות, תיקיות, ייבוא\nvnnlתיקיות משותפות\nkdg5ייבוא וייצוא\nbonnלמפתחים\ny7dfSieve, מפתחות, webhooks\n2491סקריפטים של Sieve\nqep2מפתחות ו־webhooks\nsv5mדואר\nnexoחשבון\ntoqnדפים\n83atהתנתק\nvov0הדואר שלך נמצא בדף הדואר\nndxcלא מוצג\np43gחשבון\nomryלא ניתן להציג דף זה\n2hh6נסה שוב\ne7m4משהו השתבש בדף זה\ny4onקבע את הסיסמה שלך\nu7ctעבור לכניסה\nhj8gצור סיסמה חדשה\ntlesקבע את הסיסמה\nk8r7הסיסמה החדשה נקבעה. כל שאר ההתחברויות הסתיימו.\ncb4mשמור אותה, היא לא תוצג שוב:\n0rsgעבור החשבון \n4qd1גם הגורמים השניים שלך מוסרים. אחר כך הגדר שוב כניסה דו־שלבית.\nxxojסגור\ny1iwמתנתק…\nm9a9לא ניתן להתנתק\ng5lwהעתק\npuucהמשך\njxuhהשרת השיב {status} בלי לומר מדוע.\nciu1לא ניתן להגיע לשרת.\n6rxkזה שינוי חשוב, לכן הזן שוב את הסיסמה.\nvlcxהאם זה אתה?\n3u4dכניסה דרך {name}\n66g7השתמש בגורם שני\nklxsכניסה\nit03כתובת דוא״ל\nnt6iהישאר מחובר במכשיר זה\np6bmכניסה אל {app}\nmxtuחזרה\n51qcפעולות\nzcw5הועתק\nrnanהצג הכול\ngh6dלא ניתן היה לטעון חלק מדף זה. נסה שוב, או טען את הדף מחדש.\naiokקוד\nrpenקוד שחזור\npizsהשתמש בקוד של אפליקציה\nvxlsהשתמש בקוד שחזור\nwi0xהקלד אחד מקודי השחזור שלך. כל אחד פועל פעם אחת.\nfhduהשתמש במפתח האבטחה שלך.\ndwbuמפתחות האבטחה שלך אינם פועלים בכתובת זו.\nq44vהקלד את הקוד של האפליקציה „{name}”.\n895nהקלד קוד של האפליקציה שלך: {names}.\nt168המפתח „{name}” פועל רק ב־{host}.\ne29kעוד שלב אחד\ni6ldהשתמש במפתח „{name}”\nm379השתמש במפתח אבטחה\nl400השעה בשרת היא \ntcl1הסקריפט המותאם של שרת זה נכשל\n6zmvמפתח אבטחה זה כבר מוגדר.\n4v0kאף מפתח אבטחה לא הגיב. נסה שוב, או בחר דרך אחרת.\nhyvzהועברה אל {mailbox}\npwnxללא", navigator.languages, "./errors-he.9d1da6e1e9e3.js", "./texts-he.f4bf34f7228e.js", ["one", "two"]);
})();
