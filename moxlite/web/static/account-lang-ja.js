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
  globalThis.moxliteLanguage = language("ja", "n44b端末を設定\nq76jセキュリティ\n437cパスワード\nmmuu設定を検索\nepyb読み込み中…\nlvjeアカウントを表示できません\nmwmj迷惑メール\naqm8{n} 件のメール\n9em3キャンセル\nosec連携メールボックス\n3d82新しいパスワード\n74c3あなたのアカウント\n9xzv名前、アドレス、容量\n0qdfアドレス\na15s送信\n6aqs受信メール\nhd8hルール、不在通知、迷惑メール\nop6oルール\nrcyq不在通知\nntvq転送\n0m2s配布用アドレス\nr725デバイスとセキュリティ\nt68fパスワード、デバイス、アプリ\nnkm3共有と読み込み\nw9qo連携メールボックス、フォルダー、読み込み\nvnnl共有フォルダー\nkdg5インポートとエクスポート\nbonn開発者向け\ny7dfSieve、キー、Webhook\n2491Sieve スクリプト\nqep2キーと Webhook\nsv5mWeb メール\nnexoアカウント\ntoqnページ\n83atログアウト\nvov0メールは Web メールで読めます\nndxc表示されていません\np43gアカウント\nomryこのページを表示できません\n2hh6再試行\ne7m4このページで問題が発生しました\ny4onパスワードを設定\nu7ctログインへ\nhj8g新しいパスワードを作成\ntlesパスワードを設定\nk8r7新しいパスワードを設定しました。ほかのセッションはすべて終了しました。\ncb4m保管してください。再表示はされません:\n0rsgアカウント: \n4qd1第 2 要素も削除されます。その後、2 段階ログインを設定し直してください。\nxxoj閉じる\ny1iwログアウト中…\nm9a9ログアウトできませんでした\ng5lwコピー\npuuc続行\njxuhサーバーは理由を示さずに {status} を返しました。\nciu1サーバーに接続できません。\n6rxk重要な変更のため、パスワードをもう一度入力してください。\nvlcxご本人ですか?\n3u4d{name} でログイン\n66g72 段階認証を使う\nklxsログイン\nit03メールアドレス\nnt6iこの端末でログインしたままにする\np6bm{app} にログイン\nmxtu戻る\n51qc操作\nzcw5コピーしました\nrnanすべて表示\ngh6dこのページの一部を読み込めませんでした。もう一度試すか、ページを再読み込みしてください。\naiokコード\nrpen回復コード\npizsアプリのコードを使う\nvxls回復コードを使う\nwi0x回復コードのいずれかを入力してください。各コードは 1 回だけ使えます。\nfhduセキュリティキーを使ってください。\ndwbuこのアドレスではセキュリティキーを使えません。\nq44vアプリ「{name}」のコードを入力してください。\n895nアプリのコードを入力してください: {names}\nt168キー「{name}」は {host} でのみ使えます。\ne29kあと 1 ステップ\ni6ldキー「{name}」を使う\nm379セキュリティキーを使う\nl400サーバーの時刻: \ntcl1このサーバーのカスタムスクリプトが失敗しました\n6zmvこのセキュリティキーはすでに設定されています。\n4v0kセキュリティキーが応答しませんでした。もう一度試すか、別の方法を選んでください。\nhyvz{mailbox} に移動しました\npwnxなし", navigator.languages, "./errors-ja.96e8b7c59b47.js", "./texts-ja.f8ad62fe39cd.js", []);
})();
