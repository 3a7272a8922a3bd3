// Emoji of the editor's grid: those that people send most (Unicode's frequency list, 2021), in its order by kind.

export const emoji =
  "😀😃😄😁😅😂🤣😊😇🙂🙃😉😍🥰😘😋😜🤪🤔🤗🤭🙄😏😌😴😷🤒🥳😎🤓😕😟😮😳🥺😢😭😱😤😡🤯" +
  "👍👎👌🤞🤝👏🙌👐🙏💪👋🤙👀💯🔥✨🎉🎂🎁🎈🏆🌟💡📎📌📅✅❌❓❗💤💬" +
  "🧡💛💚💙💜🖤💔💕💖🌹🌸🌞🌈🌧⛄🌍🐶🐱🐦🐝🍀🍎🍕🍰☕🍷🍺⚽🚗🚲✈🏠🎵📷💻📞🔒";
