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
  globalThis.moxliteLanguage = language("es", "n44bConfigurar un dispositivo\nq76jSeguridad\n437cContraseña\nmmuuBuscar en los ajustes\nepybCargando…\nlvjeNo se puede mostrar la cuenta\nmwmjSpam\naqm8{n} mensaje|{n} mensajes\n9em3Cancelar\nosecBuzones vinculados\n3d82Contraseña nueva\n74c3Su cuenta\n9xzvNombre, direcciones, almacenamiento\n0qdfDirecciones\na15sSaliente\n6aqsCorreo entrante\nhd8hReglas, ausencia, spam\nop6oReglas\nrcyqAusencia\nntvqReenvío\n0m2sDirecciones para dar\nr725Dispositivos y seguridad\nt68fContraseña, dispositivos, aplicaciones\nnkm3Compartir e importar\nw9qoBuzones vinculados, carpetas, importación\nvnnlCarpetas compartidas\nkdg5Importar y exportar\nbonnPara desarrolladores\ny7dfSieve, claves, webhooks\n2491Scripts Sieve\nqep2Claves y webhooks\nsv5mWebmail\nnexocuenta\ntoqnPáginas\n83atCerrar sesión\nvov0Su correo está en el webmail\nndxcNo se muestra\np43gCuenta\nomryNo se puede mostrar esta página\n2hh6Reintentar\ne7m4Algo ha fallado en esta página\ny4onEstablecer la contraseña\nu7ctIr al inicio de sesión\nhj8gCrear una contraseña nueva\ntlesEstablecer la contraseña\nk8r7Su contraseña nueva está establecida. Todas las demás sesiones han terminado.\ncb4mGuárdela, no se volverá a mostrar:\n0rsgPara la cuenta \n4qd1También se eliminan sus segundos factores. Vuelva a activar después el inicio de sesión en dos pasos.\nxxojCerrar\ny1iwCerrando sesión…\nm9a9No se pudo cerrar la sesión\ng5lwCopiar\npuucContinuar\njxuhEl servidor ha respondido {status} sin indicar el motivo.\nciu1No se puede contactar con el servidor.\n6rxkEste cambio es importante, así que vuelve a introducir tu contraseña.\nvlcxConfirma tu identidad\n3u4dIniciar sesión con {name}\n66g7Usar un segundo factor\nklxsIniciar sesión\nit03Dirección de correo\nnt6iMantener la sesión en este dispositivo\np6bmIniciar sesión en {app}\nmxtuAtrás\n51qcAcciones\nzcw5Copiado\nrnanMostrar todo\ngh6dNo se ha podido cargar una parte de esta página. Vuelve a intentarlo o recarga la página.\naiokCódigo\nrpenCódigo de recuperación\npizsUsar un código de una app\nvxlsUsar un código de recuperación\nwi0xEscribe uno de tus códigos de recuperación. Cada uno funciona una vez.\nfhduUsa tu llave de seguridad.\ndwbuTus llaves de seguridad no funcionan en esta dirección.\nq44vEscribe el código de tu app «{name}».\n895nEscribe un código de tu app: {names}.\nt168La llave «{name}» solo funciona en {host}.\ne29kUn paso más\ni6ldUsar la llave «{name}»\nm379Usar una llave de seguridad\nl400La hora del servidor es \ntcl1Ha fallado el script personalizado de este servidor\n6zmvEsta llave de seguridad ya está configurada.\n4v0kNinguna llave de seguridad ha respondido. Vuelve a intentarlo o elige otro método.\nhyvzMovido a {mailbox}\npwnxninguna", navigator.languages, "./errors-es.079eb42bc69d.js", "./texts-es.c7451c6fffac.js", ["one"]);
})();
