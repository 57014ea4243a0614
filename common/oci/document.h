/* SPDX-License-Identifier: Apache-2.0 */
/* document - what manifest.c and index.c share; private to common/oci. */
#ifndef MB_OCI_DOCUMENT_H
#define MB_OCI_DOCUMENT_H

#include <stddef.h>

#include <jansson.h>

#include "oci/descriptor.h"

/* Parse an index.  *ret_doc: the document, the caller's also on failure (initialise
 * it to NULL).  *ret_manifests: its list, borrowed, or NULL. */
int mb_document_index(const void *data, size_t len, char ret_kind[MB_MEDIA_TYPE_LEN],
                      json_t **ret_doc, json_t **ret_manifests, struct mb_error *err)
    _must_check_;

#endif
