// The part of the renderer that hostile text could keep busy: it can be killed from outside.

import { render } from "./text-markdown.js";

self.onmessage = ({ data }) => self.postMessage(render(data));
self.postMessage("ready");
