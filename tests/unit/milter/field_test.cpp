// SPDX-License-Identifier: Apache-2.0
#include "milter/field.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

TEST(Field, is_read_as_its_reader_sees_it) {
    struct Row {
        const char *written, *read;
    };
    const Row table[] = {
        {"confidential", "confidential"},
        {"  confidential \t", "confidential"},
        {"MSIP_Label_1_Enabled=true;\r\n\tMSIP_Label_1_Name=Secret",
         "MSIP_Label_1_Enabled=true;\tMSIP_Label_1_Name=Secret"},
        {"=?utf-8?Q?[secure]_=C3=9Cbergabe?=", "[secure] \xc3\x9c"
                                               "bergabe"},
        {"=?ISO-8859-1?q?[secure]_=DCbergabe?=", "[secure] \xc3\x9c"
                                                 "bergabe"},
        {"=?UTF-8?B?W3NlY3VyZV0gw5xiZXJnYWJl?=", "[secure] \xc3\x9c"
                                                 "bergabe"},
        {"=?UTF-8?B?W3NlY3VyZV0=?=", "[secure]"},
        {"=?UTF-8?B?W3NlY3VyZV0?=", "[secure]"}, // without padding
        {"=?utf-8*en?Q?a?=", "a"},               // RFC 2231 section 5
        {"=?windows-1252?Q?=80?=", "\xe2\x82\xac"},
        // RFC 2047 section 6.2: blanks between encoded words are none, others stay.
        {"=?utf-8?Q?con?= \r\n =?utf-8?Q?fidential?=", "confidential"},
        {"=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"},
        {"x =?utf-8?Q?a?=", "x a"},
        {"", ""},
    };
    for (const Row& row : table) {
        const FieldText field = readable(row.written);
        EXPECT_EQ(field.text, row.read) << row.written;
        EXPECT_TRUE(field.whole) << row.written;
    }
}

TEST(Field, what_cannot_be_decoded_stays_and_is_told) {
    for (const char* text : {
             "=?x-unknown?Q?a?=",
             "=?utf-8?X?a?=",
             "=?utf-8?Q?a",
             "=?utf-8?",
             "=?",
             "=?utf-8?Q?=GG?=",
             "=?utf-8?Q?=4?=",
             "=?utf-8?B?****?=",
             "=?utf-8?B?a?=",
             "=?utf-8?Q?=ff?=",         // is not UTF-8
             "=?ISO-2022-CN-EXT?Q?a?=", // a converter that strangers need not reach
             "=?utf-8//TRANSLIT?Q?a?=",
         }) {
        const FieldText field = readable(text);
        EXPECT_EQ(field.text, text);
        EXPECT_FALSE(field.whole) << text;
    }
    const FieldText mixed = readable("[secure] =?x-unknown?Q?a?=");
    EXPECT_EQ(mixed.text, "[secure] =?x-unknown?Q?a?=");
    EXPECT_FALSE(mixed.whole);
}

} // namespace
} // namespace surehop
