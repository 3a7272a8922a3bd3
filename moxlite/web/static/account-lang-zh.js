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

  // lang-zh.ts
  globalThis.moxliteLanguage = language("zh", "n44b设置设备\nq76j安全\n437c密码\nmmuu搜索设置\nepyb正在载入…\nlvje无法显示账户\nmwmj垃圾邮件\naqm8{n} 封邮件\n9em3取消\nosec关联的邮箱\n3d82新密码\n74c3您的账户\n9xzv姓名、地址、存储空间\n0qdf地址\na15s外发\n6aqs收到的邮件\nhd8h规则、自动回复、垃圾邮件\nop6o规则\nrcyq离开\nntvq转发\n0m2s可给出的地址\nr725设备与安全\nt68f密码、设备、应用\nnkm3共享与导入\nw9qo关联账户、文件夹、导入\nvnnl共享文件夹\nkdg5导入和导出\nbonn开发者\ny7dfSieve、密钥、webhook\n2491Sieve 脚本\nqep2密钥和 webhook\nsv5m网页邮件\nnexo账户\ntoqn页面\n83at退出登录\nvov0您的邮件在网页邮件中\nndxc未显示\np43g账户\nomry无法显示此页面\n2hh6重试\ne7m4此页面出了问题\ny4on设置您的密码\nu7ct前往登录\nhj8g创建新密码\ntles设置密码\nk8r7您的新密码已设置。所有其他会话已结束。\ncb4m请保存，它不会再次显示：\n0rsg账户 \n4qd1您的第二因素也会被移除。之后请重新设置两步登录。\nxxoj关闭\ny1iw正在退出登录…\nm9a9无法退出登录\ng5lw复制\npuuc继续\njxuh服务器返回 {status}，未说明原因。\nciu1无法连接服务器。\n6rxk这是重要的更改，请再次输入密码。\nvlcx是您本人吗？\n3u4d通过 {name} 登录\n66g7使用第二因素\nklxs登录\nit03电子邮件地址\nnt6i在此设备上保持登录\np6bm登录 {app}\nmxtu返回\n51qc操作\nzcw5已复制\nrnan显示全部\ngh6d无法载入此页面的一部分。请重试，或重新载入页面。\naiok代码\nrpen恢复代码\npizs使用应用的验证码\nvxls使用恢复代码\nwi0x请输入您的一个恢复代码。每个只能用一次。\nfhdu请使用您的安全密钥。\ndwbu您的安全密钥不能用于此地址。\nq44v请输入应用“{name}”的验证码。\n895n请输入您的应用的验证码：{names}。\nt168密钥“{name}”只能用于 {host}。\ne29k还差一步\ni6ld使用密钥“{name}”\nm379使用安全密钥\nl400服务器的时间是 \ntcl1此服务器的自定义脚本失败\n6zmv此安全密钥已设置。\n4v0k没有安全密钥响应。请重试，或选择其他方式。\nhyvz已移到{mailbox}\npwnx无", navigator.languages, "./errors-zh.3a81e50530fa.js", "./texts-zh.882f9cd7fe3f.js", []);
})();
