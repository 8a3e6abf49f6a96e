/* fuzz_offer.c - the value of a client's Sec-WebSocket-Extensions */
#include "fuzz.h"

#include "net/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = fuzz_text(data, len);
    struct offer offer;

    if (offer_take(text, &offer)) {
        fuzz_check(offer.bits >= 9 && offer.bits <= 15);
        fuzz_check(strstr(text, "permessage-deflate") != NULL);
        fuzz_check(strncmp(offer.answer, "permessage-deflate; ", 20) == 0);
        fuzz_check(strlen(offer.answer) < sizeof offer.answer - 1);
    }
    free(text);
    return 0;
}
