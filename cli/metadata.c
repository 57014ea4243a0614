/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/metadata.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "oci/reference.h"

#define METADATA_BYTES_MAX (16 * MB_MIB)

static bool is_single(const struct mb_build_done *done)
{
    return done->n_images == 1 && !mb_media_type_is_index(done->root.media_type);
}

struct mb_digest metadata_image_id(const struct mb_build_done *done)
{
    return is_single(done) ? done->images[0].config : done->root.digest;
}

static json_t *digest_json(const struct mb_digest *d)
{
    char text[MB_DIGEST_TEXT_LEN + 1];

    return json_string(mb_digest_text(d, text));
}

/* A peer's text; JSON takes UTF-8 only. */
static json_t *text_json(const char *text)
{
    json_t *v = text ? json_string(text) : NULL;

    return v ? v : json_string("");
}

static json_t *images_json(const struct mb_build_done *done)
{
    json_t *list = json_array();

    for (size_t i = 0; i < done->n_images; i++) {
        const struct mb_build_image_record *im = &done->images[i];
        json_t *o = json_object();
        char text[MB_PLATFORM_TEXT_LEN];

        json_object_set_new(o, "platform",
                            json_string(mb_platform_text(&im->platform, text)));
        json_object_set_new(o, "manifest", mb_descriptor_json(&im->manifest));
        json_object_set_new(o, "config", digest_json(&im->config));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *steps_json(const struct mb_build_done *done)
{
    json_t *list = json_array();

    for (size_t i = 0; i < done->n_steps; i++) {
        const struct mb_build_step_record *s = &done->steps[i];
        json_t *o = json_object();

        json_object_set_new(o, "platform", text_json(s->platform));
        json_object_set_new(o, "stage", text_json(s->stage));
        json_object_set_new(o, "step", text_json(s->text));
        json_object_set_new(o, "agent", text_json(s->agent));
        json_object_set_new(o, "emulated", json_boolean(s->emulated));
        json_object_set_new(o, "cached", json_boolean(s->cached));
        json_object_set_new(o, "milliseconds",
                            json_integer((json_int_t)(s->usec / 1000)));
        json_array_append_new(list, o);
    }
    return list;
}

/* "docker.io/library/app:1,reg:5000/app:1"; malloc'ed. */
static char *image_names(const struct mb_strv *tags)
{
    _cleanup_strv_ struct mb_strv names = {0};

    for (size_t i = 0; i < tags->n; i++) {
        _cleanup_(mb_reference_done) struct mb_reference ref = {0};
        struct mb_error err;

        if (mb_reference_parse(tags->v[i], &ref, &err) == 0)
            mb_strv_add_take(&names, mb_reference_text(&ref));
    }
    return mb_strv_join(&names, ",");
}

void metadata_json(const struct mb_build_done *done, const struct mb_strv *tags,
                   struct mb_buf *out)
{
    _cleanup_json_ json_t *o = json_object();
    _cleanup_free_ char *names = image_names(tags);

    json_object_set_new(o, "containerimage.digest", digest_json(&done->root.digest));
    json_object_set_new(o, "containerimage.descriptor",
                        mb_descriptor_json(&done->root));
    if (is_single(done))
        json_object_set_new(o, "containerimage.config.digest",
                            digest_json(&done->images[0].config));
    if (*names)
        json_object_set_new(o, "image.name", json_string(names));
    json_object_set_new(o, "mbcluster.images", images_json(done));
    json_object_set_new(o, "mbcluster.steps", steps_json(done));
    mb_json_write(o, 2, true, out);
}

int metadata_write(const char *metadata_file, const char *iid_file,
                   const struct mb_build_done *done, const struct mb_strv *tags,
                   struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(METADATA_BYTES_MAX);
    struct mb_digest id = metadata_image_id(done);
    char id_text[MB_DIGEST_TEXT_LEN + 1];

    mb_digest_text(&id, id_text);
    if (iid_file
        && mb_write_file(AT_FDCWD, iid_file, id_text, strlen(id_text), 0644, err) < 0)
        return mb_wrap(err, "--iidfile %s", iid_file);
    if (!metadata_file)
        return 0;
    metadata_json(done, tags, &text);
    if (mb_buf_check(&text, "metadata", err) < 0
        || mb_write_file(AT_FDCWD, metadata_file, text.data, text.len, 0644, err) < 0)
        return mb_wrap(err, "--metadata-file %s", metadata_file);
    return 0;
}
