/** Whether the window is as narrow as a phone: one pane at a time (ui/narrow.css). */
export const phone = matchMedia("(max-width: 700px)");
