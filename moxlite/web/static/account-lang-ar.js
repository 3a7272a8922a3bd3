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
  globalThis.moxliteLanguage = language("ar", "n44bإعداد جهاز\nq76jالأمان\n437cكلمة المرور\nmwmjبريد عشوائي\naqm8لا رسائل|رسالة واحدة|رسالتان|{n} رسائل|{n} رسالة|{n} رسالة\n11axاسم المستخدم\n9em3إلغاء\nosecصناديق البريد المرتبطة\n3d82كلمة المرور الجديدة\nepybجارٍ التحميل…\nnxruنظرة عامة\n0qdfالعناوين\n0m2sعناوين لإعطائها للغير\nop6oالقواعد\nrcyqالغياب\nntvqإعادة التوجيه\n2491نصوص Sieve البرمجية\na15sالبريد الصادر\nkdg5الاستيراد والتصدير\nvnnlالمجلدات المشتركة\nqep2المفاتيح و Webhooks\nsv5mبريد الويب\nnexoالحساب\ntoqnالصفحات\n83atتسجيل الخروج\nlvjeلا يمكن عرض الحساب\nvov0بريدك في بريد الويب\nndxcغير معروض\np43gالحساب\nomryلا يمكن عرض هذه الصفحة\n2hh6إعادة المحاولة\ne7m4حدث خطأ في هذه الصفحة\ng6m9حسابك\nusp5على هاتفك أو حاسوبك\nb874يقوم «إعداد جهاز» بذلك عنك. للإعداد اليدوي، استخدم:\nn2qqتحتاج برامج البريد هنا إلى كلمة مرور تطبيق، واحدة لكل منها.\ndsg2القوائم البريدية التي أنت عضو فيها\n9scqاكتب من جديد أحد أنماط مجلدات البريد العشوائي لديك. إنه {reason}.\noieqاكتب من جديد أحد أنماط قواعد {address}. إنه {reason}.\njnlnأنت غائب: من يكتب إليك يتلقى ردًا.\nv530أنت غائب: من يكتب إليك يتلقى ردًا. حتى {time}.\nfuaeإنهاؤه أو تغييره\nf342تم الاحتفاظ برسالة:\n18xnفشل نصك البرمجي في السطر {line}: {reason}.\nq5jmفشل نصك البرمجي: {reason}.\ncuswتم الاحتفاظ بالرسالة.\n4cvuلم يعد يُرسل شيء إلى {address}: ظل البريد إليه يرتد ثلاثة أيام. يُحفظ بريدك هنا.\n4ztfالمستخدَم {used}، بلا حد\nlooxالمستخدَم {used} من {limit}\np0jqالتخزين\nos0iإلى {mailbox}\ngcxkلا قواعد|قاعدة واحدة|قاعدتان|{n} قواعد|{n} قاعدة|{n} قاعدة\nfgh4النطاق متوقف\nppnfيرفض كل البريد\n9o7lيمكن للجميع الكتابة إليه\nncqgلا يمكن إلا للأعضاء الكتابة إليه\nzm7gيمكنك الإرسال باسمه\na4pgأعضاؤه غير معروضين\ny4onتعيين كلمة مرورك\nu7ctالانتقال إلى تسجيل الدخول\nhj8gإنشاء كلمة مرور جديدة\ntlesتعيين كلمة المرور\nk8r7تم تعيين كلمة مرورك الجديدة. انتهت جميع الجلسات الأخرى.\ncb4mاحفظها، فلن تُعرض مرة أخرى:\n0rsgللحساب \n4qd1تُزال عواملك الثانية أيضًا. أعدّ تسجيل الدخول بخطوتين من جديد بعد ذلك.\nxxojإغلاق\ny1iwجارٍ تسجيل الخروج…\nm9a9تعذّر تسجيل الخروج\ng5lwنسخ\npuucمتابعة\ntj2uغير مشفّرة\n8jxqلا يتيح هذا الخادم لبرامج البريد أي مدخل: فلا IMAP مفعّل ولا الإرسال (submission).\nb8xpالوارد (IMAP)\nvckuالصادر (SMTP)\nirswكلمة مرور تطبيق، واحدة لكل برنامج. \nva05إنشاء واحدة\n57f9غير متاح\nyqutالمنفذ {port}، {security}\nt7w6كل ما عدا ذلك في {domain}\njxuhأجاب الخادم {status} دون ذكر السبب.\nciu1لا يمكن الوصول إلى الخادم.\n6rxkهذا تغيير مهم، لذا أدخل كلمة مرورك مرة أخرى.\nvlcxهل هذا أنت؟\n66g7استخدام عامل ثانٍ\nklxsتسجيل الدخول\nit03عنوان البريد الإلكتروني\nnt6iالبقاء مسجّل الدخول على هذا الجهاز\np6bmتسجيل الدخول إلى {app}\nmxtuرجوع\nc5azبضع ثوانٍ\ns6va{n} ثانية\nn84kأقل من دقيقة|دقيقة واحدة|دقيقتين|{n} دقائق|{n} دقيقة|{n} دقيقة\n577cأقل من ساعة|ساعة واحدة|ساعتين|{n} ساعات|{n} ساعة|{n} ساعة\n51qcالإجراءات\nzcw5تم النسخ\nrnanعرض الكل\ngh6dتعذّر تحميل جزء من هذه الصفحة. أعد المحاولة أو أعد تحميل الصفحة.\naiokشفرة\nrpenرمز الاسترداد\npizsاستخدام رمز من تطبيق\nvxlsاستخدام رمز استرداد\nwi0xاكتب أحد رموز الاسترداد لديك. يعمل كل منها مرة واحدة.\nfhduاستخدم مفتاح الأمان.\ndwbuلا تعمل مفاتيح أمانك على هذا العنوان.\nq44vاكتب الرمز من تطبيقك «{name}».\n895nاكتب رمزًا من تطبيقك: {names}.\nt168لا يعمل المفتاح «{name}» إلا على {host}.\ne29kخطوة أخرى\ni6ldاستخدام المفتاح «{name}»\nm379استخدام مفتاح أمان\nl400وقت الخادم هو \ntcl1فشل النص البرمجي المخصص لهذا الخادم\nfksyأمس {time}\n8ur1غدًا {time}\nooy4أقل من يوم|يوم واحد|يومين|{n} أيام|{n} يومًا|{n} يوم\nf0ggلحظات|ثانية واحدة|ثانيتين|{n} ثوانٍ|{n} ثانية|{n} ثانية\nz027الآن\nzxffقبل {time}\n6zmvمفتاح الأمان هذا مُعدّ بالفعل.\n4v0kلم يُجب أي مفتاح أمان. أعد المحاولة أو اختر طريقة أخرى.\nhyvzنُقلت إلى {mailbox}\npwnxبلا", navigator.languages, "./errors-ar.d9a20163618e.js", "./texts-ar.d8a507b2ef45.js", ["zero", "one", "two", "few", "many"]);
})();
