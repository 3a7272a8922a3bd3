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

  // lang-ja.ts
  globalThis.moxliteLanguage = language("ja", "gf73受信トレイ\nsypd下書き\nou5v送信済み\n6mxlアーカイブ\nopf5ゴミ箱\nzg93迷惑メール\nct65スヌーズ中\nr7zxCtrl\n2f0wShift\n5vifAlt\nlx9eEnter\neyc7Esc\nnn8vDelete\njbmiSpace\nlpaiPageUp\nckvfPageDown\nlgmbHome\ny8xlEnd\n2g6d{n} 件のメールを既読にしました\nqfp1{n} 件のメールを未読にしました\nri14{n} 件のメールにフラグを付けました\n3uga{n} 件のフラグを外しました\nr81q{n} 件のメールの変更…\nedlm{n} 件のメールを変更しました\nepyb読み込み中…\negym開けませんでした\nlwpb元に戻す\nxxoj閉じる\njktf元に戻せませんでした\ndncv保存中…\nl9y1{name} さんが回答しました\nua04もう一度「戻る」を押すと終了します\n9em3キャンセル\nwk0u今日\nfl1bカレンダー\nc2lf検索中…\njlqf返信\nitop検索\nmnah検索を中止\nd085検索を閉じる\nsuw5アーカイブ\nmwmj迷惑メール\nzqadメール\nghdo作成\nm7icメール\n0n8h一覧\nmva8どこでも\nkcjbこの差出人のメールを検索\ni56w連絡先に追加…\n8xlxこの差出人のメールを常に振り分け…\nou25ルールを作成…\nqdor差出人をブロック\nbd4tフィッシングを報告\nlhii新規メール\naefp{name} に移動\nstunコマンドを検索\nm0frキーボードショートカット\nb2y0アイコンの説明\nhxrtこの項目の説明\nf3un元に戻す: {what}\nbgvl受信トレイを開く\n3j5sすべての受信トレイ\n1l0xフラグ付き\n4e4zすべてのメール\n50yi未読のみ/すべてを切り替え\n0xsaこのフォルダーの操作\n9gu6送信トレイ：送信予約とスヌーズ中のメール\nrwsyライト/ダークを切り替え\nj7ka設定…\nsoq3メール\n9tcx連絡先\nr27fニュースレター\nal5f新しいフォルダー…\n83atログアウト\nyl7b{title} (選択範囲を広げる)\n88t1{title} (選択しない)\noj9r次のメール\n0z0v前のメール\n08sr10 件下へ\n6qpu10 件上へ\n26si最後のメール\nogka最初のメール\nsc5uメールを開く\n0l79選択/選択解除\n3gfw次の未読メール\ngj2qすべてのメールを選択\n4oog一覧に戻る\n9hn9差出人\nx78v件名\nxmj1その他の項目\n352s作成中\na1ct最小化\ntbdb送信\nxwqs返信先\nukp0宛先\njiv7Cc\n755vBcc\nkpc0配送時の暗号化\nzdyh可能な限り暗号化\nuzbx全経路で暗号化される場合のみ\na7sz暗号化なしを許可\nth6k暗号化\nus3a3 件のメールを作成中です。先にどれかを送信するか閉じてください。\niyr5元のサイズに戻す\npv1aウィンドウで開く\np7mzファイルを添付\n7w9g送信日時を指定…\n5x1kテンプレート\n1qg1破棄\nf5nd拡大/縮小\n0cpw新しいマスクアドレス…\n7geq開封確認を要求\n8lai配信確認を要求\n858iエディターを開けませんでした\nsdm2テンプレートを読み込むことができませんでした\nmdhj{address} の代理\n0h0w作成中…\nn72xアドレスを作成できませんでした\nrarz{address} 宛てのメールはあなたに届きます\n983aブラウザーの保存領域がいっぱいのため、控えは保存されません\nx9mn下書きを保存しました\ndlbr下書きを保存できませんでした\n8sei保存できませんでした: {why}\n92fzこの下書きは別の場所で変更されました。\n14va新規として保存\ndiz4下書きが別の場所で変更されたため、送信されませんでした。もう一方の版は下書きに残ります。\no9cuこの版を送信しますか?\nhoy8「{address}」はメールアドレスではありません。\njo5e宛先を追加してください。\n732p添付ファイルなしで送信しますか?\njul1本文に添付ファイルについての記述がありますが、ファイルが添付されていません。\n3dgd送信中…\nhsqpサーバーが応答しないため、再試行しています。二重に送信されることはありません。\nlivj後で送信されます\nn4bmメールを送信しました\nzc9sこの端末に保存しました。サーバーに接続できたときに送信されます。\n2x9kメールは送信されませんでした\n5cvk添付の完了を待つか、失敗した添付ファイルを削除してください。\ndwys開く\naxetこの下書きを破棄しますか?\ntslcこの下書きは削除されます。\n40op下書きを削除できませんでした\n25gh添付ファイル\nb0xyアップロードが中断されました\nr7nd{name} をアップロード中\ntp1y{name} を削除\n2hh6再試行\nyg63画像.png\nquh3送信してスレッドをアーカイブ\n55cb下書きを今すぐ保存\ntsqe書式をオン/オフ\n0kgk宛先に移動\ngj8eCc に移動\n23ycBcc に移動\nyh1x返信先に移動\n0qdfアドレス\n24fwメールアドレスではありません: {address}\nhp9oグループ\n6qr7STARTTLS (前回ホストが提示)\ny6x8適用中の MTA-STS ポリシー\n46hrメールホストの DNSSEC\nyye5最初のメールホストの DANE\ngdpiREQUIRETLS (前回ホストが提示)\nbyq8はい\n0oaiいいえ\n2onv確認できませんでした\nuabd不明\ndq02自分\npt0n(アドレスなし)\nn38s下書き\n4jlsサーバーに接続できず、完了したかどうか不明です。再試行する前に確認してください。\npwnxなし\nifh9元に戻しています…\n2jq4表示\nyxbn{n}\ny51r(件名なし)\n4a3e{name} をダウンロード\nm4xh検索できませんでした\n5lnw復元中…\n4tujほか {n} 件\nquxlダウンロード\np50qラベル\n1mcfスヌーズ\n1vnm未読\ndvkzミュート中: スレッドの新着メールは既読で届きます\nqz44返信元のメールはここにありません\nrskc上のメールのコピー (同じ Message-ID)\ndes5署名付き\nyrqpサーバーは署名を検証しません\nu7jn暗号化\nw0kyサーバーでは復号できません\n73g4このメールのその他の操作\n6phi未読 {n} 件\nqu4dメールは別の場所で移動または削除されました\nt82hサーバーにこのページの新しい版があります。\n9rq5サーバーに接続できませんでした\n51qc操作\n9u58フォルダーとアカウント\ne7seメールを開けませんでした\nhvrt設定を保存できませんでした\niqxu配信を停止できませんでした\n7gl3メールを読み込めませんでした\n2p36アカウントと設定\n22nb一覧の表示内容\nbg2jゴミ箱に移動\nr1i3すべて保存\nminwほか {n} 件\nkxy2添付ファイル {n} 件\ndddrあなたからと表示されていますが、アドレス {sender} はあなたのものではありません。\nu5zsあなたのドメインの {name} からと表示されていますが、アドレス {sender} は別のところのものです。\n8l12知り合いの {known} さんからと表示されていますが、アドレス {sender} は初めてのものです。\n8daq{known} としてご存じの {name} からと表示されていますが、アドレス {sender} は初めてのものです。\nvag0本当に自分です\nyu9b本当に {name} です\nechx予定を作成\nifu7メールを印刷\nhq9bスレッドを印刷\nsd5vスレッドをテキストで開く\nrlxeメールをダウンロード\nd690スレッドをダウンロード\nrz07プレーンテキストを表示\n9m8iHTML を表示 (もう一度で全体を表示)\niujlすべてのヘッダーを表示\nbyg8メールを新しいタブで開く\nsm4dメールのソースを開く\nf6md詳細\neisy添付ファイルを見る\n9mriメールの中に移動\n2m2xメールを下にスクロール\nffbwメールを上にスクロール\n2xlw末尾にスクロール\nokie先頭にスクロール\nqu68画像はそれぞれのサーバーから読み込まれています\n4v0e{hosts} の画像 {n} 件は読み込まれていません\nh4a8あなたのマスクアドレス {address} に届きました。\nt9lf{site} に教えた {address} に届きました。\nh8ie{since} 以降、{n} 人の知らない相手が送信しています\nmzazオフになっています。このアドレスへの新着メールは拒否されます。\nl61d期限が切れています。このアドレスへのメールは拒否されます。\n4tk7オンにする\nu7grオフにする\n995mこのメールを読み込めませんでした: {why}\njuyh日付\n57hdこのメールを折りたたむ\nsy3vすべてのアドレスを表示\nn3um連絡先に追加\n7jz9元のデザインで表示 (HTML)\nc75d外部の画像を読み込む\n9qrjテキスト形式で表示\nk74a標準フォントを使用\ntl9o等幅フォントを使用\nan2wダークで表示\nxdm2ライトで表示\ncje3この差出人の表示をリセット\ngp87ヘッダーを隠す\nwfwx新しいタブで開く\nc3s8印刷\ndvfeこの差出人は常に\nk0vbテキストの内容がありません\nyejj本文の残りは表示されていません。\nciu1サーバーに接続できません。\nxp5lこのドメインからのメールです (SPF または DKIM で確認)\n7t7zこのドメインからのメールです (DMARC で確認)\nwefu同じ所有者のドメインからのメールです (SPF または DKIM で確認)\n9g5bルールで信頼しているメーリングリストまたは転送を経由しました。作成者は確認できません\n50d4このドメインからのメールと確認できません\nbcnqドメインが検証を求めていますが、このメールは検証に失敗しました\nlddm宛先なし\n1rla自分\nztfk宛先: {names} ほか {n} 人以上\nyt88宛先: {names} ほか {n} 人\n9xl2宛先: {names}\nw7k6ラベル {name} のメール\na69fこのリンクは表示の文字とは異なる {host} に移動します\nco7x引用文: {n} 行\n8w5rこのアドレスからの {n} 通目のメール\nyheqこのアドレスからの {n} 通目のメール\nnq6eこのアドレスからの {n} 通目のメール\nn220このアドレスからの {n} 通目のメール\n1u62このアドレスからの最初のメール\nso8lこのアドレスからのメールは {n} 通を超えています\ni6lp{domain} のサーバーから送信\nmfdm{domain} による署名\n47yx信頼しているメーリングリストまたは転送を経由\nh7xw署名がありません。誰でも書けたメールです。\nq0lm偽造の可能性が高いメールです。{domain} が求める検証に失敗しました。\n2ja5{time}に配信停止\n7j2x{time}に配信停止したが、まだ届いています\n5fyaブロック\nn60m配信停止\nzpeq設定を開けませんでした\naqm8{n} 件のメール\n7pf4このファイルはこの端末に保存されていません。サーバーに接続できるときに開けます。\nvmbu今すぐ試す\nviw8{n} 件選択中\njx2a(未接続)\nonhgメールを検索\n5arr昨日\nuz12返信済み\n80od{n} 件のメールを {mailbox} に移動中…\nzuqh{n} 件のメールを {mailbox} に移動しました\n3odwメールを移動できませんでした\nmr6cメールを更新できませんでした\nqvei操作を元に戻しました\ntwm4操作を完了できませんでした\nhp9v接続中…\n7vuq未接続です。再試行しています…\n31ic{n} 件のスレッドを選択中\ntn3k{n} 件のメールを選択中\nukge{n} 件のスレッド\nmz9c{n} 件のスレッドに {all}\nx7reフォルダー\nt7jn今週\nlwyd今日 {time}\nfksy昨日 {time}\no696{day} {time}\nxnho{day} {time}\nqbloスレッドなしで表示\n1i38保存した検索\nsnoc+ 新しいフォルダー\nzvvi{name}: 全 {n} 件、未読 {unread} 件、{size}\no9ew{name} の操作\nlo0w選択を解除\ndb8o設定\np0jq保存容量\no5qs{all} 中 {used}\no836{n} 件すべてを選択\ntwb6一覧のサイズ\n5ap0メニュー\nggwmメールが選択されていません\ngbh9矢印キーと Enter を使います。? を押すとすべてのショートカットが表示されます。\nen2j転送済み\n9lhtフィッシング\nqcju削除済み\n5ogi{name} が返信を作成中…\n7695{n} 件のメール\n6ju7このスレッドのほかの {n} 件のメールが別の場所にあります: → で表示\nx73h添付ファイル: {n}\n8lig既読/未読にする\nq4hq言語はページを再読み込みすると変わります。\nt7pe下書きを復元できませんでした\njxuhサーバーは理由を示さずに {status} を返しました。\ne7m4このページで問題が発生しました\n3a95このページの Cookie とサイトデータを許可してください。\n6q7e入力が必要です。\nc5az数秒\ns6va{n} 秒\nn84k{n} 分\n577c{n} 時間\ngh6dこのページの一部を読み込めませんでした。もう一度試すか、ページを再読み込みしてください。\ncg4s再読み込み\n3e4fブラウザーのストレージがいっぱいのため、再読み込みするとログアウトされます。\ntcl1このサーバーのカスタムスクリプトが失敗しました\nagmw応答がありません\nwhpwすでに保存されています\ntw0a最初の操作は成功しましたが、その後の変更は含まれていません。変更するには、保存された方を開いてください。もう一度保存すると、2つ目が作成されることがあります。\nhyvz{mailbox} に移動しました", navigator.languages, "./errors-ja.1f5782e9.js", "./texts-ja.431f47ef.js", []);
})();
