/* address.h - socket addresses as people write them */
#ifndef PATCHBAY_PROC_ADDRESS_H
#define PATCHBAY_PROC_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_SIZE 128 /* a Unix socket's path is at most 108 bytes */

/* "127.0.0.1:9501", "[::1]:9501", "unix:/run/x.sock", "unix:@name" for an
 * abstract one. Returns out. */
char *address_format(const struct sockaddr *addr, socklen_t len, char *out,
                     size_t size);

/*
 * What to open in a browser for an address that was written as text: with the
 * port that it got, and with localhost for "any address".
 * "http://localhost:9501". Returns out.
 */
char *address_url(const char *text, uint16_t port, bool tls, char *out,
                  size_t size);

/* 0 for a Unix socket. */
uint16_t address_port(const struct sockaddr *addr);
void address_set_port(struct sockaddr *addr, uint16_t port);

#endif
