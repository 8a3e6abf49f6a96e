/* redis_script.c - a script that Redis runs: loaded once, called by its hash */
#include "bus/redis_script.h"

#include <stdio.h>
#include <string.h>

/*
 * Keeps a message and gives it to all who have subscribed.
 *
 * KEYS: epoch and offset of the topic; its messages; the last number of this
 * publisher. ARGV: the message's number, so that one which was sent again is
 * not kept twice; how many are kept; for how long (ms; 0: as long as the topic
 * is used); the channel; an epoch, should there be none; a position that was
 * seen: if what is kept ends before it, Redis has lost some, and an epoch
 * begins; the envelope.
 *
 * The first that writes to a topic that is known is a command that Redis refuses
 * when it has no memory: either all of it happens or nothing does. DEL, before
 * the first message of an epoch, is not refused.
 */
const char redis_script_append[] =
    "local n = redis.call('GET', KEYS[3])\n"
    "if n and tonumber(n) >= tonumber(ARGV[1]) then return 0 end\n"
    "local m = redis.call('HMGET', KEYS[1], 'e', 'o')\n"
    "local e, o = m[1], tonumber(m[2] or '0')\n"
    "if not e or (e == ARGV[6] and o < tonumber(ARGV[7])) then\n"
    "e = ARGV[5] o = 0 redis.call('DEL', KEYS[2]) end\n"
    "local s = string.format('%.0f', o + 1)\n"
    "redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[2], s .. '-0', 'm', ARGV[8])\n"
    "redis.call('HMSET', KEYS[1], 'e', e, 'o', s)\n"
    "redis.call('SET', KEYS[3], ARGV[1], 'PX', 3600000)\n"
    "local t = tonumber(ARGV[3])\n"
    "if t == 0 then t = 604800000 end\n"
    "redis.call('PEXPIRE', KEYS[2], t)\n"
    "redis.call('PEXPIRE', KEYS[1], t + 86400000)\n"
    "redis.call('PUBLISH', ARGV[4],\n"
    "'K ' .. e .. ' ' .. s .. '\\n' .. ARGV[8])\n"
    "return 1";

/*
 * A page of what is kept behind a position. KEYS: as the first two above. ARGV:
 * epoch and offset of the position; how many of the last are read if that is of
 * another epoch, or never was; how many of the last are read at all; how many
 * messages, and about how many bytes, in one page; an epoch for a topic that has
 * none yet, or "": a client that hears where it is can come back to it. Returns
 * epoch and offset of the last that was kept, and the messages, the first first.
 *
 * Offsets have no gap, so the last are found by counting. What is read at once
 * from the stream is little, since messages may be large.
 */
const char redis_script_replay[] =
    "local m = redis.call('HMGET', KEYS[1], 'e', 'o')\n"
    "if not m[1] and ARGV[7] ~= '' then\n"
    "local made = redis.pcall('HMSET', KEYS[1], 'e', ARGV[7], 'o', '0')\n"
    "if made.err then return {'0', '0', {}} end\n"
    "redis.call('PEXPIRE', KEYS[1], 691200000)\n"
    "m = {ARGV[7], '0'} end\n"
    "if not m[1] then return {'0', '0', {}} end\n"
    "local head, at = tonumber(m[2]), tonumber(ARGV[2])\n"
    "if m[1] ~= ARGV[1] or at > head then at = head - tonumber(ARGV[3]) end\n"
    "at = math.max(at, head - tonumber(ARGV[4]), 0)\n"
    "local count, left = tonumber(ARGV[5]), tonumber(ARGV[6])\n"
    "local page = {}\n"
    "while true do\n"
    "local some = redis.call('XRANGE', KEYS[2],\n"
    "string.format('%.0f-0', at + 1), '+', 'COUNT', 16)\n"
    "for _, one in ipairs(some) do\n"
    "left = left - #(one[2][2] or '')\n"
    "if #page > 0 and (left < 0 or #page >= count) then\n"
    "return {m[1], m[2], page} end\n"
    "page[#page + 1] = one\n"
    "at = tonumber(string.match(one[1], '^%d+'))\n"
    "end\n"
    "if #some < 16 then return {m[1], m[2], page} end\n"
    "end";

void redis_script_keys(struct redis_keys *keys, const char *name,
                       const char *topic)
{
    snprintf(keys->meta, sizeof keys->meta, "pb:%s:hm:%s", name, topic);
    snprintf(keys->stream, sizeof keys->stream, "pb:%s:hs:%s", name, topic);
}

void redis_script_load(struct redis_link *link, struct redis_script *script,
                       redis_answer *answer, void *arg, uint64_t tag)
{
    const struct resp_arg args[3] = { RESP_TEXT("SCRIPT"), RESP_TEXT("LOAD"),
                                      RESP_TEXT(script->text) };

    if (!script->loading) {
        script->hash[0] = '\0';
        script->loading =
            redis_link_command(link, args, 3, answer, arg, tag, NULL) == 0;
    }
}

bool redis_script_loaded(struct redis_script *script, const redisReply *reply)
{
    script->loading = false;
    if (reply && reply->type == REDIS_REPLY_STRING &&
        reply->len < sizeof script->hash) {
        snprintf(script->hash, sizeof script->hash, "%s", reply->str);
    }
    return script->hash[0] != '\0';
}
