/* SPDX-License-Identifier: Apache-2.0 */
/* images - small images in a store, as a build leaves them. */
#ifndef MB_TEST_IMAGES_H
#define MB_TEST_IMAGES_H

#include "base/mem.h"
#include "coordinator/publish/publish.h"
#include "mb_test.h"

static inline struct mb_platform make_platform(const char *text)
{
    struct mb_platform p;
    struct mb_error err;

    assert_ok(mb_platform_parse(text, &p, &err), err);
    return p;
}

/* One layer with the bytes of @layer; what a layer holds matters to nobody here. */
static inline struct publish_image make_image(struct mb_blob_store *store,
                                              const char *platform, const char *layer)
{
    struct publish_image im = {.platform = make_platform(platform), .n_layers = 1};
    struct mb_digest diff_id = mb_digest_of(platform, strlen(platform));
    struct mb_error err;

    im.config.platform = im.platform;
    mb_image_config_add_diff_id(&im.config, &diff_id);
    mb_image_config_add_history(&im.config, NULL, "COPY", NULL, false);
    im.layers = mb_xcalloc(1, sizeof(*im.layers));
    memcpy(im.layers[0].media_type, MB_MT_DOCKER_LAYER_GZIP,
           sizeof(MB_MT_DOCKER_LAYER_GZIP));
    im.layers[0].size = strlen(layer);
    assert_ok(
        mb_blob_store_put(store, layer, strlen(layer), &im.layers[0].digest, &err),
        err);
    return im;
}

static inline void image_done(struct publish_image *im)
{
    mb_image_config_done(&im->config);
    free(im->layers);
}

static inline struct mb_blob_store *open_store(const struct mb_test_dir *t,
                                               const char *name)
{
    _cleanup_free_ char *path = mb_xasprintf("%s/%s", t->path, name);
    struct mb_blob_store *s = NULL;
    struct mb_error err;

    assert_ok(mb_blob_store_open(path, &s, &err), err);
    return s;
}

#endif
