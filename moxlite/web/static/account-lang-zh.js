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
  globalThis.moxliteLanguage = language("zh", "gf73收件箱\nsypd草稿\nou5v已发送\n6mxl归档\nopf5废纸篓\nzg93垃圾邮件\nct65已推迟\nr7zxCtrl\n2f0wShift\n5vifAlt\nlx9e回车\neyc7Esc\nnn8vDelete\njbmi空格\nlpaiPageUp\nckvfPageDown\nlgmbHome\ny8xlEnd\nn44b设置设备\nq76j安全\ndncv正在保存…\n437c密码\nmmuu搜索设置\nepyb正在载入…\nlvje无法显示账户\nrvvt添加条件\nj71g比较方式\n489w文件夹名称\n2x7k移除此条件\niyzy条件 {n}\nmwmj垃圾邮件\naqm8{n} 封邮件\n8iu4不是垃圾邮件\nlwpb撤销\nwgh4保存\nk4is已保存\nzwr0显示名称\n11ax用户名\n9em3取消\nosec关联账户\n3d82新密码\n74c3您的账户\nxrjw姓名、地址、外观\n0qdf地址\ni9wf外观\nirps撰写\n5inl签名、模板\nnnfz签名与回复\n5x1k模板\nriwj停发的地址\nksul阅读与提醒\n7ucq邮件、通知、快捷键\n6tl8阅读\nfil8通知\nx4tc快捷键\n6aqs收到的邮件\nhd8h规则、自动回复、垃圾邮件\nop6o规则\nrcyq自动回复\nntvq转发\n0m2s掩码地址\nr725设备与安全\nt68f密码、设备、应用\nnkm3共享与导入\nw9qo关联账户、文件夹、导入\nvnnl共享文件夹\nkdg5导入和导出\nbonn开发者\ny7dfSieve、密钥、webhook\n2491Sieve 脚本\nqep2密钥和 webhook\n5ap0版块\nnexo账户\ntoqn页面\n83at退出登录\nvov0打开网页邮件\nndxc页面不可用\np43g账户\nsoq3邮件\nfl1b日历\n9tcx联系人\nomry无法显示此页面\n2hh6重试\nhvrt无法保存设置\nq4hq重新载入页面后语言会更改。\nqfl2要开启通知，请先在此浏览器中登录网页邮箱。\neh2t此浏览器被设为不显示本站的通知。可在其站点设置中更改。\nhto0此浏览器无法显示通知。在 iPhone 或 iPad 上，请先将网页邮件添加到主屏幕。\nfec2通知需要安全连接（https）。\nciu1无法连接服务器。\nmxb2浏览器未获准显示通知。\n9q81浏览器\ndx8t此设备会收到新邮件通知。\nr62z“{name}”不再收到新邮件通知。\nwdix通知正在发往“{name}”。\n55tj未发送：{error}\nbgkt无法载入通知设置\nnuwz在此设备上通知我新邮件\nho0b无法开启通知\nblk7无法关闭通知\n8vse邮件来自\noeqw我认识的人\nw68o所有人\n8i2q我认识的人：您的联系人和您写过信的人。\nvh7a我的日历提醒\ny0jt通知；提醒要求时也发邮件\nahtb仅通知\nybb1无\njchs免打扰开始\n3mwx免打扰结束\now0h{name}（此设备）\nbxmt测试\ntonj测试“{name}”\n3dgd正在发送…\n0zdm无法发送通知\n35st移除\n0ajb移除“{name}”\nb80k免打扰时段除外，从\nywjz至\n1y6i通知只显示发件人，绝不显示主题或正文。它专为此浏览器加密。\n0f41日程提醒的通知包含标题、地点和时间。\nbdwa它们采用时区 {zone}。更改后将采用此浏览器的时区。\nkqqx上一条通知未被接受：{error}\n3s53尚无通知，经由 {host}\nhilq上次通知 {at}，经由 {host}\n8ll4无按键\n23tq按一个键…\ngafwmoxlite 的按键\n5xpmGmail 的按键\ncoo5点击一个键后等待另一个。Esc 取消，Backspace 移除该键。\nipc5交换按键\nvpcl{key} 是“{title}”的按键。\nz38k浏览器、屏幕阅读器或网页邮件本身需要 {key}。\nhyez更改单个按键\nha7s更改会立即保存。\nedx9在列表旁\n6tvm在列表下方\nco4r这些文字由机器翻译。若要改进，请修改 moxlite 源代码中的 {file}。\ns7mj语言\n22ro自动\nytua颜色\niemd与系统相同\nob7z浅色\nm6w5深色\nqqxp行\nnw3h带预览\n46fa紧凑\nx9t3阅读窗格\nicg9无操作\ng9kx要显示的其他邮件头字段，每行一个\nqqus标为已读\nrdld归档、删除、移动之后\ne0c6显示下一封邮件\nfw1e显示上一封邮件\n4oog返回列表\ndykv按设计显示邮件（HTML），而非纯文本\n0si0通过邮件向我发送此服务器用户的邀请和回复\nllly在此设备上\nyb7z向右滑动\nd5ya向左滑动\nn064在此设备上保存邮件\ncyv4最新的 200 封邮件和草稿可离线阅读，含 1 MB 以内的文件。期间所做的操作稍后发送。退出登录即可移除。\nt3ga您的浏览器存储空间已满。\nizj5立即\nlfmd半秒后\n0ds53 秒后\nope4仅手动\nxr6g{n} 秒后\nyn68单字母快捷键（归档：a）\nziy9方向键、j 和 k 立即打开下一封邮件\ngmna点击操作时显示快捷键\ny4on设置您的密码\nu7ct前往登录\nhj8g创建新密码\ntles设置密码\nk8r7您的新密码已设置。所有其他会话已结束。\nf2c9请立即保存此密码，它不会再次显示：\n3rff账户：{account}\n4qd1您的验证方式也会被移除。之后请重新设置两步登录。\nsuw5归档\nbg2j移到废纸篓\ne09h移动到\nmoo2邮件进入\nal5f新建文件夹…\novs1发件人\nfml4收件人\n7qtf主题\njc9c任意文本\na0lu邮件列表\nt56l大于 (MB)\n2rrn有附件\nnjy4包含\nppgp等于\n8dsp开头是\nckdx结尾是\nsqn4大于 {size}\ndm0u{part}等于“{text}”\nvk90{part}开头是“{text}”\narvw{part}结尾是“{text}”\nu1f1{part}包含“{text}”\nbpx6任一：{conditions}\nvvv8发件人匹配 {pattern}\n86bb信封发件人匹配 {pattern}\ncr9b来自已验证的域名 {domain}\nlofp{name} 匹配 {pattern}\nhqzp{domain} 的列表\n8ip7转发的\npn8b进入{mailbox}\nz45u标签“{label}”\nrtyr加旗标\ngrmc标为已读\nypbl转发到 {addresses}\nivkd永不视为垃圾邮件\n724e接收本会拒收的邮件，放入\natw6本会拒收的邮件放到这里。\naigq转发的邮件\nglb4来自已验证域名的转发服务，该服务本身不受判断。需要信封发件人和已验证的域名。\n1qgx标签\nphic无标签\n72lz加旗标\njhdo仅当发件人已验证时。\nazyv转发副本到\ntc3b所有者通过邮件确认后开始。用空格分隔地址。\ngcr3规则 {n}\ny93q则\n9ghj更多：规则名称、模式和标头\n90xu规则名称\n3akj只有您能看到。\nqsof发件人模式\nsr26发件人地址的表达式，小写：域名用 @example\\.org$。\njjib已验证的域名\nssyp由 SPF 或 DKIM 证实；子域名也算。\ne3cy信封发件人\nmb0n退信地址的表达式；用于列表和转发。\ngdbu域名的邮件列表\nal85接受此已验证域名的所有邮件，不经过滤器。\ntvgc条件\nhrd0当以下全部成立时\nlzi7满足以下任一条件时\njn3d邮件部分\nulik邮件头字段\ng8kq其值\nuujp邮件头字段匹配…\nxxoj关闭\ny1iw正在退出登录…\nm9a9无法退出登录\nlcq9编辑\ng5lw复制\npuuc继续\n4jls无法连接到服务器，无法确定此操作是否完成。请先检查再重试。\n96lh移到废纸篓\n1l0x带旗标\nzqad邮件\ntj2u未加密\n8jxq此服务器不向邮件程序提供入口：IMAP 和提交均未开启。\nb8xp收信（IMAP）\nvcku发信（SMTP）\nugo0应用密码，每个程序一个。\nva05创建一个\n57f9不提供\nyqut端口 {port}，{security}\ngbs5{domain} 的其余所有邮件\nwukg地址由管理员添加和移除。\n77oz域名已关闭\nppnf拒收所有邮件\ngcxk{n} 条规则\ndp5s没有规则处理的邮件所进入的文件夹。\ne68w留空：您自己的姓名。\nxlyk拒收所有邮件，并答复\nng53421 或 550、空格和文字，例如“550 this address is no longer in use”。留空：接收邮件。\ngpds拒收发件人未证实的邮件，并附此文字\n2cj6没有有效 DMARC、DKIM 或 SPF 的邮件。留空：与其他邮件一样判断。\nbn4z拒收的地址\ngx3n指向这里、按所写内容拒收的地址，用空格分隔，例如 you+shop@example.org。\nd9zo此地址的规则\ndsg2您所在的邮件列表\n3n0h重写垃圾邮件文件夹的一个表达式。它 {reason}。\n2iof重写 {address} 的规则中的一个表达式。它 {reason}。\njnln您已设为离开：写信给您的人会收到答复。\nv530您已设为离开：写信给您的人会收到答复。 直到 {time}。\nfuae管理\n18xn您的脚本在第 {line} 行失败： {reason}。\nq5jm您的脚本失败： {reason}。\ncusw邮件在收件箱中。\n5yvp不再转发任何内容到 {address}：发往那里的邮件已退回三天。您的邮件保留在这里。\n4ztf已用 {used}，无限制\nloox已用 {used} / {limit}\np0jq存储空间\n9o7l任何人都可写信给它\nncqg只有成员可写信给它\nzm7g您可以用它发送\na4pg不显示其成员\nfe3x{system} 上的 {browser}\njxuh服务器返回 {status}，未说明原因。\n6rxk这是重要的更改，请再次输入密码。\nvlcx是您本人吗？\n3u4d通过 {name} 登录\n1cec换种方式验证\ne7m4此页面出了问题\n3a95请允许此页面使用 Cookie 和网站数据。\n6q7e此项必填。\nklxs登录\nit03电子邮件地址\nnt6i在此设备上保持登录\np6bm登录 {app}\nmxtu返回\nc5az几秒\ns6va{n} 秒\nn84k{n} 分钟\n577c{n} 小时\n51qc操作\nzcw5已复制\nrnan显示全部\ngh6d无法载入此页面的一部分。请重试，或重新载入页面。\nt82h服务器有此页面的更新版本。\ncg4s重新加载\naiok代码\nrpen恢复代码\npizs使用身份验证应用\nvxls使用恢复代码\nwi0x请输入您的一个恢复代码。每个只能用一次。\nfhdu请使用您的安全密钥。\ndwbu您的安全密钥不能用于此地址。\nq44v请输入应用“{name}”的验证码。\n895n请输入您的应用的验证码：{names}。\nt168密钥“{name}”只能用于 {host}。\ne29k还差一步\ni6ld使用密钥“{name}”\nm379使用安全密钥\nphuh服务器的时间是 {time}\n3e4f您的浏览器存储空间已满，重新加载会使您退出登录。\ntcl1此服务器的自定义脚本失败\nagmw无响应\nwhpw已保存过\ntw0a您的第一次尝试已成功，但不包含您最近的更改。要更改，请打开已保存的版本。如果再次保存，可能会产生第二份。\nfksy昨天 {time}\n8ur1明天 {time}\nooy4{n} 天\nf0gg{n} 秒\nz027刚刚\nzxff{time}前\n8alp未保存\n1qg1舍弃\nazox打开\ni1qe未保存：{forms}。请再次打开表单以继续。\n6zmv此安全密钥已设置。\n370t没有安全密钥响应。请重试，或选择其他方式。\nhyvz已移到{mailbox}\npwnx无\nlfb1您的姓名\nougn从网页邮件发送的邮件中的姓名。\njlqf回复\nyfdj全部回复\nf8d0回复列表\nqz7e转发\nrs2z作为附件转发\nn8ky作为新邮件编辑\n607x显示所有邮件\nj1ot仅显示未读邮件\n7hti仅显示已读邮件\nevfs仅显示带旗标的邮件\n7xj4仅显示带附件的邮件\nzjvn仅显示个人发来的邮件\n3l5a仅显示新闻邮件\njs27会话\nrryr单封邮件\ndtc5最新在前\no5ps最早在前\n2ztw未读在前\n7x91按发件人\n6jjh最大在前\nope7下一个会话\n65mb会话的第一封邮件，或上一个会话\nd7zs选择会话\nr1ik折叠或展开会话\nqcl5折叠会话\nhang展开会话\noimi取消会话静音\nre1n会话静音\n4oek已静音：此会话的新邮件到达时即为已读\nw958已取消静音\ne8ab正在静音…\nojm6正在取消静音…\n6ey7无法将会话静音\nitop搜索\nmnah停止搜索\nd085关闭搜索\nyw84删除…\ntuin永久删除…\ni6ae移动…\nvywr推迟…\n4lw4标为已读\n1n47标为未读\nh350移除旗标\nb338标签…\n4mc1添加或移除标签 {n}\npwhb导出…\nghdo写信\nm7ic邮件\n0n8h列表\nmva8任何位置\nrojr导入文件…\nkcjb搜索此发件人的邮件\ni56w添加到联系人…\n8xlx始终将此发件人的邮件归入…\nou25创建规则…\nqdor屏蔽发件人\nbd4t举报网络钓鱼\nlhii新邮件\naefp前往{name}\nstun查找命令\nm0fr键盘快捷键\nb2y0图标说明\nhxrt说明此控件\nf3un撤销：{what}\nbgvl打开收件箱\n3j5s所有收件箱\n4e4z所有邮件\n50yi仅显示未读邮件，或全部\n0xsa此文件夹的操作\n9gu6发件箱：定时发送和已推迟的邮件\nrwsy切换浅色和深色\nj7ka设置…\nr27f新闻邮件\nyl7b{title}，并扩展选择\n88t1{title}，不选择\noj9r下一封邮件\n0z0v上一封邮件\n08sr向下十封邮件\n6qpu向上十封邮件\n26si最后一封邮件\nogka第一封邮件\nsc5u打开邮件\n0l79选择或取消选择\n3gfw下一封未读邮件\ngj2q选择所有邮件\nechx由此创建日程\nifu7打印邮件\nhq9b打印会话\nsd5v以文本打开会话\nrlxe下载邮件\nd690下载会话\nrz07显示纯文本\n9m8i显示 HTML；再次：全部显示\niujl显示所有邮件头\nbyg8在新标签页中打开邮件\nsm4d打开原始邮件\nf6md详情\neisy查看附件\n9mri进入邮件\n2m2x向下滚动邮件\nffbw向上滚动邮件\n2xlw滚动到末尾\nokie滚动到顶部\n2k5i通知有效\ni80c新邮件\nxnto新邮件，另有 {n} 封\nubv5（无标题）\n1mcf推迟\n8lig标为已读或未读", navigator.languages, "./errors-zh.905c1ac4.js", "./texts-zh.2e7f5414.js", []);
})();
