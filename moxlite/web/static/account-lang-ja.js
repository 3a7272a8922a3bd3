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

  // lang-ja.ts
  globalThis.moxliteLanguage = language("ja", "n44b端末を設定\nq76jセキュリティ\n437cパスワード\nmwmj迷惑メール\naqm8{n} 件のメール\n11axユーザー名\n9em3キャンセル\nosec連携メールボックス\n3d82新しいパスワード\nepyb読み込み中…\nnxru概要\n0qdfアドレス\n0m2s配布用アドレス\nop6oルール\nrcyq不在通知\nntvq転送\n2491Sieve スクリプト\na15s送信\nkdg5インポートとエクスポート\nvnnl共有フォルダー\nqep2キーと Webhook\nsv5mWeb メール\nnexoアカウント\ntoqnページ\n83atログアウト\nlvjeアカウントを表示できません\nvov0メールは Web メールで読めます\nndxc表示されていません\np43gアカウント\nomryこのページを表示できません\n2hh6再試行\ne7m4このページで問題が発生しました\ng6m9あなたのアカウント\nusp5スマートフォンやパソコンで使う\nb874「端末を設定」で自動的に設定できます。手動で設定する場合は、次の値を使ってください:\nn2qqここでは、メールソフトごとにアプリパスワードが必要です。\ndsg2参加しているメーリングリスト\n9scq迷惑メールフォルダーのパターンを書き直してください。このパターンは {reason}。\noieq{address} のルールのパターンを書き直してください。このルールは {reason}。\njnln不在中です。メールをくれた人に自動で返信します。\nv530不在中です。メールをくれた人に自動で返信します。 終了 {time}。\nfuae終了または変更\nf342保存されたメールがあります:\n18xnスクリプトが {line} 行目で失敗しました: {reason}。\nq5jmスクリプトが失敗しました: {reason}。\ncuswメールは保存されました。\n4cvu転送を停止しました: {address} 宛てのメールが 3 日間戻ってきたためです。メールはここに保存されています。\n4ztf{used} 使用中、制限なし\nloox{limit} 中 {used} 使用中\np0jq保存容量\nos0i{mailbox} へ\ngcxk{n} 件のルール\nfgh4ドメインは無効\nppnfすべてのメールを拒否\n9o7l誰でも送信可\nncqgメンバーのみ送信可\nzm7gこのアドレスで送信可\na4pgメンバーは非表示\ny4onパスワードを設定\nu7ctログインへ\nhj8g新しいパスワードを作成\ntlesパスワードを設定\nk8r7新しいパスワードを設定しました。ほかのセッションはすべて終了しました。\ncb4m保管してください。再表示はされません:\n0rsgアカウント: \n4qd1第 2 要素も削除されます。その後、2 段階ログインを設定し直してください。\nxxoj閉じる\ny1iwログアウト中…\nm9a9ログアウトできませんでした\ng5lwコピー\npuuc続行\ntj2u暗号化なし\n8jxqこのサーバーはメールソフト用の接続口を提供していません。IMAP も submission も有効になっていません。\nb8xp受信 (IMAP)\nvcku送信 (SMTP)\nirswアプリパスワード (ソフトごとに 1 つ)。 \nva05作成\n57f9提供なし\nyqutポート {port}、{security}\nt7w6{domain} のその他のメール\njxuhサーバーは理由を示さずに {status} を返しました。\nciu1サーバーに接続できません。\n6rxk重要な変更のため、パスワードをもう一度入力してください。\nvlcxご本人ですか?\n66g72 段階認証を使う\nklxsログイン\nit03メールアドレス\nnt6iこの端末でログインしたままにする\np6bm{app} にログイン\nmxtu戻る\nc5az数秒\ns6va{n} 秒\nn84k{n} 分\n577c{n} 時間\n51qc操作\nzcw5コピーしました\nrnanすべて表示\ngh6dこのページの一部を読み込めませんでした。もう一度試すか、ページを再読み込みしてください。\naiokコード\nrpen回復コード\npizsアプリのコードを使う\nvxls回復コードを使う\nwi0x回復コードのいずれかを入力してください。各コードは 1 回だけ使えます。\nfhduセキュリティキーを使ってください。\ndwbuこのアドレスではセキュリティキーを使えません。\nq44vアプリ「{name}」のコードを入力してください。\n895nアプリのコードを入力してください: {names}\nt168キー「{name}」は {host} でのみ使えます。\ne29kあと 1 ステップ\ni6ldキー「{name}」を使う\nm379セキュリティキーを使う\nl400サーバーの時刻: \ntcl1このサーバーのカスタムスクリプトが失敗しました\nfksy昨日 {time}\n8ur1明日 {time}\nooy4{n} 日\nf0gg{n} 秒\nz027たった今\nzxff{time}前\n6zmvこのセキュリティキーはすでに設定されています。\n4v0kセキュリティキーが応答しませんでした。もう一度試すか、別の方法を選んでください。\nhyvz{mailbox} に移動しました\npwnxなし", navigator.languages, "./errors-ja.65039a2877d9.js", "./texts-ja.e93e32b11d9f.js", []);
})();
