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

  // lang-ar.ts
  globalThis.moxliteLanguage = language("ar", "n44bإعداد جهاز\nq76jالأمان\n437cكلمة المرور\nmmuuالبحث في الإعدادات\nepybجارٍ التحميل…\nlvjeلا يمكن عرض الحساب\nmwmjبريد عشوائي\naqm8لا رسائل|رسالة واحدة|رسالتان|{n} رسائل|{n} رسالة|{n} رسالة\n9em3إلغاء\nosecصناديق البريد المرتبطة\n3d82كلمة المرور الجديدة\n74c3حسابك\n9xzvالاسم والعناوين والتخزين\n0qdfالعناوين\na15sالبريد الصادر\n6aqsالبريد الوارد\nhd8hالقواعد والغياب والبريد العشوائي\nop6oالقواعد\nrcyqالغياب\nntvqإعادة التوجيه\n0m2sعناوين لإعطائها للغير\nr725الأجهزة والأمان\nt68fكلمة المرور والأجهزة والتطبيقات\nnkm3المشاركة والاستيراد\nw9qoصناديق البريد المرتبطة والمجلدات والاستيراد\nvnnlالمجلدات المشتركة\nkdg5الاستيراد والتصدير\nbonnللمطوّرين\ny7dfSieve والمفاتيح وخطافات الويب\n2491نصوص Sieve البرمجية\nqep2المفاتيح و Webhooks\nsv5mبريد الويب\nnexoالحساب\ntoqnالصفحات\n83atتسجيل الخروج\nvov0بريدك في بريد الويب\nndxcغير معروض\np43gالحساب\nomryلا يمكن عرض هذه الصفحة\n2hh6إعادة المحاولة\ne7m4حدث خطأ في هذه الصفحة\ny4onتعيين كلمة مرورك\nu7ctالانتقال إلى تسجيل الدخول\nhj8gإنشاء كلمة مرور جديدة\ntlesتعيين كلمة المرور\nk8r7تم تعيين كلمة مرورك الجديدة. انتهت جميع الجلسات الأخرى.\ncb4mاحفظها، فلن تُعرض مرة أخرى:\n0rsgللحساب \n4qd1تُزال عواملك الثانية أيضًا. أعدّ تسجيل الدخول بخطوتين من جديد بعد ذلك.\nxxojإغلاق\ny1iwجارٍ تسجيل الخروج…\nm9a9تعذّر تسجيل الخروج\ng5lwنسخ\npuucمتابعة\njxuhأجاب الخادم {status} دون ذكر السبب.\nciu1لا يمكن الوصول إلى الخادم.\n6rxkهذا تغيير مهم، لذا أدخل كلمة مرورك مرة أخرى.\nvlcxهل هذا أنت؟\n3u4dتسجيل الدخول عبر {name}\n66g7استخدام عامل ثانٍ\nklxsتسجيل الدخول\nit03عنوان البريد الإلكتروني\nnt6iالبقاء مسجّل الدخول على هذا الجهاز\np6bmتسجيل الدخول إلى {app}\nmxtuرجوع\n51qcالإجراءات\nzcw5تم النسخ\nrnanعرض الكل\ngh6dتعذّر تحميل جزء من هذه الصفحة. أعد المحاولة أو أعد تحميل الصفحة.\naiokشفرة\nrpenرمز الاسترداد\npizsاستخدام رمز من تطبيق\nvxlsاستخدام رمز استرداد\nwi0xاكتب أحد رموز الاسترداد لديك. يعمل كل منها مرة واحدة.\nfhduاستخدم مفتاح الأمان.\ndwbuلا تعمل مفاتيح أمانك على هذا العنوان.\nq44vاكتب الرمز من تطبيقك «{name}».\n895nاكتب رمزًا من تطبيقك: {names}.\nt168لا يعمل المفتاح «{name}» إلا على {host}.\ne29kخطوة أخرى\ni6ldاستخدام المفتاح «{name}»\nm379استخدام مفتاح أمان\nl400وقت الخادم هو \ntcl1فشل النص البرمجي المخصص لهذا الخادم\n6zmvمفتاح الأمان هذا مُعدّ بالفعل.\n4v0kلم يُجب أي مفتاح أمان. أعد المحاولة أو اختر طريقة أخرى.\nhyvzنُقلت إلى {mailbox}\npwnxبلا", navigator.languages, "./errors-ar.ff22203570de.js", "./texts-ar.7fd0a008d6e1.js", ["zero", "one", "two", "few", "many"]);
})();
