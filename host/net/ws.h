/* ws.h - the one callback of libwebsockets: connections and plain HTTP */
#ifndef PATCHBAY_NET_WS_H
#define PATCHBAY_NET_WS_H

#include <libwebsockets.h>

int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                void *in, size_t len);

#endif
