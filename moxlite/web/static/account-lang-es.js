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

  // lang-es.ts
  globalThis.moxliteLanguage = language("es", "n44bConfigurar un dispositivo\nq76jSeguridad\n437cContraseña\nmwmjSpam\naqm8{n} mensaje|{n} mensajes\n11axNombre de usuario\n9em3Cancelar\nosecBuzones vinculados\n3d82Contraseña nueva\nepybCargando…\nnxruResumen\n0qdfDirecciones\n0m2sDirecciones para dar\nop6oReglas\nrcyqAusencia\nntvqReenvío\n2491Scripts Sieve\na15sSaliente\nkdg5Importar y exportar\nvnnlCarpetas compartidas\nqep2Claves y webhooks\nsv5mWebmail\nnexocuenta\ntoqnPáginas\n83atCerrar sesión\nlvjeNo se puede mostrar la cuenta\nvov0Su correo está en el webmail\nndxcNo se muestra\np43gCuenta\nomryNo se puede mostrar esta página\n2hh6Reintentar\ne7m4Algo ha fallado en esta página\ng6m9Su cuenta\nusp5En su teléfono u ordenador\nb874«Configurar un dispositivo» lo hace por usted. Para hacerlo a mano, use:\nn2qqAquí cada programa de correo necesita su propia contraseña de aplicación.\ndsg2Listas de correo en las que está\n9scqVuelva a escribir un patrón de sus carpetas de spam. Este {reason}.\noieqVuelva a escribir un patrón de las reglas de {address}. Este {reason}.\njnlnEstás fuera: quienes te escriben reciben una respuesta.\nv530Estás fuera: quienes te escriben reciben una respuesta. Hasta: {time}.\nfuaeTerminar o cambiar\nf342Se ha conservado un mensaje:\n18xnTu script ha fallado en la línea {line}: {reason}.\nq5jmTu script ha fallado: {reason}.\ncuswEl mensaje se ha conservado.\n4cvuYa no se reenvía nada a {address} porque el correo enviado allí se ha devuelto durante tres días. Tu correo se conserva aquí.\n4ztf{used} usados, sin límite\nloox{used} de {limit} usados\np0jqAlmacenamiento\nos0ia {mailbox}\ngcxk{n} regla|{n} reglas\nfgh4dominio desactivado\nppnfrechaza todo el correo\n9o7lcualquiera puede escribirle\nncqgsolo los miembros pueden escribirle\nzm7gusted puede enviar con ella\na4pgsus miembros no se muestran\ny4onEstablecer la contraseña\nu7ctIr al inicio de sesión\nhj8gCrear una contraseña nueva\ntlesEstablecer la contraseña\nk8r7Su contraseña nueva está establecida. Todas las demás sesiones han terminado.\ncb4mGuárdela, no se volverá a mostrar:\n0rsgPara la cuenta \n4qd1También se eliminan sus segundos factores. Vuelva a activar después el inicio de sesión en dos pasos.\nxxojCerrar\ny1iwCerrando sesión…\nm9a9No se pudo cerrar la sesión\ng5lwCopiar\npuucContinuar\ntj2usin cifrar\n8jxqEste servidor no ofrece acceso a programas de correo: ni IMAP ni el envío están activados.\nb8xpEntrante (IMAP)\nvckuSaliente (SMTP)\nirswuna contraseña de aplicación, una para cada programa. \nva05Crear una\n57f9no disponible\nyqutpuerto {port}, {security}\nt7w6Todo lo demás en {domain}\njxuhEl servidor ha respondido {status} sin indicar el motivo.\nciu1No se puede contactar con el servidor.\n6rxkEste cambio es importante, así que vuelve a introducir tu contraseña.\nvlcxConfirma tu identidad\n66g7Usar un segundo factor\nklxsIniciar sesión\nit03Dirección de correo\nnt6iMantener la sesión en este dispositivo\np6bmIniciar sesión en {app}\nmxtuAtrás\nc5azunos segundos\ns6va{n} segundos\nn84k{n} minuto|{n} minutos\n577c{n} hora|{n} horas\n51qcAcciones\nzcw5Copiado\nrnanMostrar todo\ngh6dNo se ha podido cargar una parte de esta página. Vuelve a intentarlo o recarga la página.\naiokCódigo\nrpenCódigo de recuperación\npizsUsar un código de una app\nvxlsUsar un código de recuperación\nwi0xEscribe uno de tus códigos de recuperación. Cada uno funciona una vez.\nfhduUsa tu llave de seguridad.\ndwbuTus llaves de seguridad no funcionan en esta dirección.\nq44vEscribe el código de tu app «{name}».\n895nEscribe un código de tu app: {names}.\nt168La llave «{name}» solo funciona en {host}.\ne29kUn paso más\ni6ldUsar la llave «{name}»\nm379Usar una llave de seguridad\nl400La hora del servidor es \ntcl1Ha fallado el script personalizado de este servidor\nfksyayer {time}\n8ur1mañana {time}\nooy4{n} día|{n} días\nf0gg{n} segundo|{n} segundos\nz027ahora mismo\nzxffhace {time}\n6zmvEsta llave de seguridad ya está configurada.\n4v0kNinguna llave de seguridad ha respondido. Vuelve a intentarlo o elige otro método.\nhyvzMovido a {mailbox}\npwnxninguna", navigator.languages, "./errors-es.48ccf3624a8f.js", "./texts-es.81419b51038c.js", ["one"]);
})();
