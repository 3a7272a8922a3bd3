"use strict";
(() => {
  // lib/imports.ts
  function load(path) {
    return import(path).catch(() => import(`${path}?${Date.now()}`));
  }

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
    const own = locales.find((locale) => locale === name || locale.startsWith(`${name}-`)) ?? name;
    const latin = new Intl.NumberFormat(own).resolvedOptions().numberingSystem === "latn";
    return { locale: latin ? own : `${own}-u-nu-latn`, find(key, n) {
      const text = texts.get(hashed(key));
      if (text === void 0 || n === void 0) return text;
      return text.split("|").at(forms.indexOf(plural.select(n)));
    }, told: async (error) => {
      const part = await load(errors).catch(() => null);
      return part === null ? error : part.inWords(error);
    }, async rest() {
      if (rest === "") return;
      loading ??= load(rest).then((part) => add(part.lines));
      await loading.catch((error) => {
        loading = void 0;
        throw error;
      });
    } };
  }

  // lang-zh.ts
  globalThis.moxliteLanguage = language("zh", "gf73收件箱\nsypd草稿\nou5v已发送\n6mxl归档\nopf5废纸篓\nzg93垃圾邮件\nct65已推迟\nr7zxCtrl\n2f0wShift\n5vifAlt\nlx9e回车\neyc7Esc\nnn8vDelete\njbmi空格\nlpaiPageUp\nckvfPageDown\nlgmbHome\ny8xlEnd\n2g6d{n} 封邮件已标为已读\nqfp1{n} 封邮件已标为未读\nri14{n} 封邮件已加旗标\n3uga已移除 {n} 个旗标\nr81q正在更改 {n} 封邮件…\nedlm{n} 封邮件已更改\nepyb正在载入…\negym无法打开此项\nlwpb撤销\nxxoj关闭\njktf无法撤销\ndncv正在保存…\nl9y1{name} 已回复\nua04再按一次“返回”即可离开\n9em3取消\nwk0u今天\nfl1b日历\nc2lf正在搜索…\njlqf回复\nitop搜索\nmnah停止搜索\nd085关闭搜索\nsuw5归档\nmwmj垃圾邮件\nzqad邮件\nghdo写信\nm7ic邮件\n0n8h列表\nmva8任何位置\nkcjb搜索此发件人的邮件\ni56w添加到联系人…\n8xlx始终将此发件人的邮件归入…\nou25创建规则…\nqdor屏蔽发件人\nbd4t举报网络钓鱼\nlhii新邮件\naefp前往{name}\nstun查找命令\nm0fr键盘快捷键\nb2y0图标说明\nhxrt说明此控件\nf3un撤销：{what}\nbgvl打开收件箱\n3j5s所有收件箱\n1l0x带旗标\n4e4z所有邮件\n50yi仅显示未读邮件，或全部\n0xsa此文件夹的操作\n9gu6发件箱：定时发送和已推迟的邮件\nrwsy切换浅色和深色\nj7ka设置…\nsoq3邮件\n9tcx联系人\nr27f新闻邮件\nal5f新建文件夹…\n83at退出登录\nyl7b{title}，并扩展选择\n88t1{title}，不选择\noj9r下一封邮件\n0z0v上一封邮件\n08sr向下十封邮件\n6qpu向上十封邮件\n26si最后一封邮件\nogka第一封邮件\nsc5u打开邮件\n0l79选择或取消选择\n3gfw下一封未读邮件\ngj2q选择所有邮件\n4oog返回列表\n9hn9发件人\nx78v主题\nxmj1更多字段\n352s撰写时\na1ct最小化\ntbdb发送\nxwqs回复至\nukp0收件人\njiv7抄送\n755v密送\nkpc0传输加密\nzdyh尽可能加密\nuzbx仅全程加密\na7sz允许不加密\nth6k加密\nus3a已有三封邮件正在撰写。请先发送或关闭其中一封。\niyr5恢复\npv1a在窗口中打开\np7mz附加文件\n7w9g稍后发送…\n5x1k模板\n1qg1舍弃\nf5nd展开或缩小\n0cpw新建掩码地址…\n7geq请求阅读回执\n8lai请求送达回执\n858i无法打开编辑器\nsdm2无法载入模板\nmdhj代表 {address}\n0h0w正在创建…\nn72x无法创建地址\nrarz发给 {address} 的邮件会到达您这里\n983a此浏览器的存储已满，因此不保留副本\nx9mn草稿已保存\ndlbr保存草稿失败\n8sei未保存：{why}\n92fz此草稿已在别处更改。\n14va另存为新草稿\ndiz4未发送：此草稿已在别处更改。另一版本仍在草稿中。\no9cu发送此版本？\nhoy8“{address}”不是电子邮件地址。\njo5e请添加收件人。\n732p不带附件发送？\njul1正文提到了附件，但没有附加文件。\n3dgd正在发送…\nhsqp服务器没有响应；正在重试。不会发送两次。\nlivj将稍后发送\nn4bm邮件已发送\nzc9s保存在此设备上。连上服务器后发送。\n2x9k邮件未发送\n5cvk请等待附件上传，或移除失败的附件。\ndwys打开\naxet舍弃此草稿？\ntslc此草稿将被删除。\n40op删除草稿失败\n25gh附件\nb0xy上传中断\nr7nd正在上传 {name}\ntp1y移除 {name}\n2hh6重试\nyg63图片.png\nquh3发送并归档会话\n55cb立即保存草稿\ntsqe开启或关闭格式\n0kgk转到收件人\ngj8e转到抄送\n23yc转到密送\nyh1x转到回复地址\n0qdf地址\n24fw不是电子邮件地址：{address}\nhp9o群组\n6qr7STARTTLS（其主机上次提供）\ny6x8强制执行的 MTA-STS 策略\n46hr其邮件主机有 DNSSEC\nyye5其首个邮件主机有 DANE\ngdpiREQUIRETLS（其主机上次提供）\nbyq8是\n0oai否\n2onv无法查明\nuabd未知\ndq02我\npt0n（无地址）\nn38s草稿\n4jls无法连接到服务器，无法确定此操作是否完成。请先检查再重试。\npwnx无\nifh9正在撤销操作…\n2jq4显示\nyxbn{n}\ny51r（无主题）\n4a3e下载 {name}\nm4xh无法搜索\n5lnw正在恢复…\n4tuj还有 {n} 个\nquxl下载\np50q标签\n1mcf推迟\n1vnm未读\ndvkz已静音：会话的新邮件到达时即为已读\nqz44它所回复的邮件不在这里\nrskc上面邮件的副本（相同的 Message-ID）\ndes5已签名\nyrqp服务器不验证签名\nu7jn已加密\nw0ky服务器无法解密\n73g4此邮件的更多内容\n6phi{n} 封未读\nqu4d邮件已在别处移动或删除\nt82h服务器有此页面的更新版本。\n9rq5与服务器的连接失败\n51qc操作\n9u58文件夹和账户\ne7se打开邮件失败\nhvrt无法保存设置\niqxu无法退订\n7gl3载入邮件失败\n2p36账户和设置\n22nb列表显示的内容\nbg2j移到废纸篓\nr1i3全部保存\nminw还有 {n} 个\nkxy2{n} 个附件\ndddr它声称来自您。地址 {sender} 不是您的。\nu5zs它声称来自您自己的域名 {name}。地址 {sender} 属于别处。\n8l12它声称来自您认识的 {known}。地址 {sender} 是新的。\n8daq它声称来自 {name}，您认识的是 {known}。地址 {sender} 是新的。\nvag0确实是我\nyu9b确实是 {name}\nechx由此创建日程\nifu7打印邮件\nhq9b打印会话\nsd5v以文本打开会话\nrlxe下载邮件\nd690下载会话\nrz07显示纯文本\n9m8i显示 HTML；再次：全部显示\niujl显示所有邮件头\nbyg8在新标签页中打开邮件\nsm4d打开原始邮件\nf6md详情\neisy查看附件\n9mri进入邮件\n2m2x向下滚动邮件\nffbw向上滚动邮件\n2xlw滚动到末尾\nokie滚动到顶部\nqu68图片从其服务器载入\n4v0e{n} 张来自 {hosts} 的图片未载入\nh4a8发往您的掩码地址 {address}。\nt9lf它发往 {address}，您曾将其给 {site}。\nh8ie自 {since} 起有 {n} 个陌生人写信给它\nmzaz已关闭：发往它的新邮件被拒收。\nl61d已到期：发往它的邮件被拒收。\n4tk7开启\nu7gr关闭\n995m无法载入此邮件：{why}\njuyh日期\n57hd折叠此邮件\nsy3v显示所有地址\nn3um添加到联系人\n7jz9按设计显示（HTML）\nc75d载入外部图片\n9qrj显示为纯文本\nk74a使用标准字体\ntl9o使用等宽字体\nan2w显示深色\nxdm2显示浅色\ncje3重置此发件人邮件的显示方式\ngp87隐藏邮件头\nwfwx在新标签页中打开\nc3s8打印\ndvfe始终用于此发件人\nk0vb没有文本内容\nyejj此文本的其余部分未显示。\nciu1无法连接服务器。\nxp5l邮件来自此域名：由 SPF 或 DKIM 证明\n7t7z邮件来自此域名：由 DMARC 证明\nwefu邮件来自同一所有者的域名：由 SPF 或 DKIM 证明\n9g5b邮件经由您的规则信任的列表或转发而来；其作者未证实\n50d4没有证据表明邮件来自此域名\nbcnq该域名要求检查，而邮件未通过\nlddm没有收件人\n1rla我\nztfk给 {names} 和另外超过 {n} 人\nyt88给 {names} 和另外 {n} 人\n9xl2给 {names}\nw7k6带有标签 {name} 的邮件\na69f此链接指向 {host}，而非其文字所说之处\nco7x引用的文字：{n} 行\n8w5r来自此地址的第 {n} 封邮件\nyheq来自此地址的第 {n} 封邮件\nnq6e来自此地址的第 {n} 封邮件\nn220来自此地址的第 {n} 封邮件\n1u62来自此地址的第一封邮件\nso8l来自此地址的邮件超过 {n} 封\ni6lp由 {domain} 的服务器发送\nmfdm由 {domain} 签名\n47yx经由您信任的列表或转发而来\nh7xw未签名。任何人都可能写了它。\nq0lm可能是伪造的。未通过 {domain} 要求的检查。\n2ja5已退订（{time}）\n7j2x已退订（{time}），但仍在写信\n5fya屏蔽\nn60m退订\nzpeq无法打开设置\naqm8{n} 封邮件\n7pf4此文件未保存在此设备上。连上服务器后可以打开。\nvmbu立即尝试\nviw8已选 {n} 封\njx2a（未连接）\nonhg搜索邮件\n5arr昨天\nuz12已回复\n80od正在将 {n} 封邮件移到{mailbox}…\nzuqh{n} 封邮件已移到{mailbox}\n3odw无法移动邮件\nmr6c无法更新邮件\nqvei操作已撤销\ntwm4无法完成操作\nhp9v正在连接…\n7vuq未连接。正在重试…\n31ic已选{n} 个会话\ntn3k已选{n} 封邮件\nukge{n} 个会话\nmz9c{n} 个会话中的 {all}\nx7re文件夹\nt7jn本周\nlwyd今天 {time}\nfksy昨天 {time}\no696{day} {time}\nxnho{day}，{time}\nqblo不按会话显示\n1i38已保存的搜索\nsnoc+ 新建文件夹\nzvvi{name}：{n} 封邮件，{unread} 封未读，{size}\no9ew{name} 的操作\nlo0w清除选择\ndb8o设置\np0jq存储空间\no5qs{used} / {all}\no836选择全部 {n} 封\ntwb6列表大小\n5ap0版块\nggwm未选择邮件\ngbh9使用方向键和回车，或按 ? 查看所有快捷键。\nen2j已转发\n9lht网络钓鱼\nqcju已删除\n5ogi{name} 正在回复…\n7695{n} 封邮件\n6ju7此会话还有 {n} 封邮件在别处：→ 显示它们\nx73h附件：{n}\n8lig标为已读或未读\nq4hq重新载入页面后语言会更改。\nt7pe无法恢复草稿\njxuh服务器返回 {status}，未说明原因。\ne7m4此页面出了问题\n3a95请允许此页面使用 Cookie 和网站数据。\n6q7e此项必填。\nc5az几秒\ns6va{n} 秒\nn84k{n} 分钟\n577c{n} 小时\ngh6d无法载入此页面的一部分。请重试，或重新载入页面。\ncg4s重新加载\n3e4f您的浏览器存储空间已满，重新加载会使您退出登录。\ntcl1此服务器的自定义脚本失败\nagmw无响应\nwhpw已保存过\ntw0a您的第一次尝试已成功，但不包含您最近的更改。要更改，请打开已保存的版本。如果再次保存，可能会产生第二份。\nhyvz已移到{mailbox}", navigator.languages, "./errors-zh.905c1ac4.js", "./texts-zh.4e437a7f.js", []);
})();
