/*
 * member.h - one client of a crowd, of patchbay's hub.c or of socket.io
 *
 * To both a command is a letter and up to two words: as text, "p topic data", or
 * as an event of socket.io, 42["p","topic","data"]. What comes back is a text, or
 * the event 42["m","text"]. A text begins with a letter, too: "a" answers a
 * command, "e" tells that it failed, "m" is a message that was published.
 */
#ifndef BENCH_MEMBER_H
#define BENCH_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"

enum {
    MEMBER_KEPT = 128,     /* bytes of a text that are looked at */
    MEMBER_COMMAND = 8192, /* bytes of a command, at most */
    MEMBER_HEAD = 10       /* the longest head of a server's frame */
};

struct member {
    int fd;
    int number;
    bool socketio;
    unsigned char head[MEMBER_HEAD]; /* of the frame that is coming */
    size_t head_len;
    uint64_t left;          /* of its payload */
    uint64_t len;           /* of the text so far, all fragments together */
    char text[MEMBER_KEPT]; /* its beginning */
    unsigned asks;          /* commands without an answer: crowd_ask */
};

/* What came whole; text ends behind kept bytes of len. -1: it is wrong. */
typedef int member_text(void *arg, struct member *member, const char *text,
                        size_t kept, uint64_t len);

/* Connects, upgrades and, of socket.io, enters the namespace. -1, said why. */
int member_open(struct member *member, const struct upgrade *upgrade, int port,
                int number, bool socketio);
void member_close(struct member *member);

/* Says a command; NULL for words that it has not. -1, said why. */
int member_say(struct member *member, char command, const char *one,
               const char *two);

/* Receives once, and hands on the texts that are whole. -1, said why. */
int member_receive(struct member *member, member_text *on_text, void *arg);

#endif
