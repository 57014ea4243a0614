/* SPDX-License-Identifier: Apache-2.0 */
/* blob_url - where a peer finds the blob endpoint that WELCOME names. PROTOCOL.md
 * section 8. */
#ifndef SESSION_BLOB_URL_H
#define SESSION_BLOB_URL_H

/* A coordinator that listens on every address names none: "http://0.0.0.0:7481" and
 * "http://[::]:7481" mean the host by which the peer reached it (@address,
 * "tcp://host:port"). So does a loopback host for a peer that reached it by another:
 * the control channel came through a tunnel or a virtual machine's gateway, and blobs
 * go the same way. Other URLs are kept. malloc'ed. */
char *mb_blob_url_for(const char *blob_url, const char *address);

#endif
