/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0 by toml++.  Dates and times become strings in their TOML form; infinite
 * and NaN floats, which JSON does not have, are refused.
 */
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 16

#include "base/toml_shim.h"

#include <cmath>
#include <cstdio>
#include <sstream>
#include <string>

#include <toml++/toml.h>

namespace
{

json_t *fail(mb_toml_problem *problem, const toml::source_region &at,
             std::string_view text)
{
    problem->line = at.begin.line;
    problem->column = at.begin.column;
    std::snprintf(problem->text, sizeof(problem->text), "%.*s",
                  static_cast<int>(text.size()), text.data());
    return nullptr;
}

json_t *string_json(std::string_view s)
{
    return json_stringn(s.data(), s.size());
}

template <typename T> json_t *printed_json(const T &v)
{
    std::ostringstream text;

    text << v;
    return string_json(text.str());
}

json_t *to_json(const toml::node &node, mb_toml_problem *problem);

json_t *table_json(const toml::table &table, mb_toml_problem *problem)
{
    json_t *obj = json_object();

    for (auto &&[key, value] : table) {
        if (key.str().find('\0') != std::string_view::npos) {
            json_decref(obj);
            return fail(problem, value.source(), "the key holds a NUL character");
        }
        json_t *item = to_json(value, problem);
        if (!item) {
            json_decref(obj);
            return nullptr;
        }
        json_object_set_new(obj, std::string(key.str()).c_str(), item);
    }
    return obj;
}

json_t *array_json(const toml::array &array, mb_toml_problem *problem)
{
    json_t *list = json_array();

    for (auto &&value : array) {
        json_t *item = to_json(value, problem);

        if (!item) {
            json_decref(list);
            return nullptr;
        }
        json_array_append_new(list, item);
    }
    return list;
}

json_t *to_json(const toml::node &node, mb_toml_problem *problem)
{
    if (auto *v = node.as_table())
        return table_json(*v, problem);
    if (auto *v = node.as_array())
        return array_json(*v, problem);
    if (auto *v = node.as_string()) {
        if (v->get().find('\0') != std::string::npos)
            return fail(problem, node.source(), "the string holds a NUL character");
        return string_json(v->get());
    }
    if (auto *v = node.as_integer())
        return json_integer(v->get());
    if (auto *v = node.as_boolean())
        return json_boolean(v->get());
    if (auto *v = node.as_floating_point()) {
        if (!std::isfinite(v->get()))
            return fail(problem, node.source(), "the number is not finite");
        return json_real(v->get());
    }
    if (auto *v = node.as_date())
        return printed_json(v->get());
    if (auto *v = node.as_time())
        return printed_json(v->get());
    if (auto *v = node.as_date_time())
        return printed_json(v->get());
    return fail(problem, node.source(), "the value has an unknown type");
}

} /* namespace */

json_t *mb_toml_shim_parse(const char *text, size_t len, mb_toml_problem *problem)
{
    toml::parse_result result = toml::parse(std::string_view(text, len));

    if (!result)
        return fail(problem, result.error().source(), result.error().description());
    return table_json(result.table(), problem);
}
