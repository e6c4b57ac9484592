// Hostile templates: each ends soon, with one clear error.
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/jinja/template.h"

namespace yoke {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string error_of(const std::string& source) {
  try {
    jinja::Template::parse(source).render({});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadFile);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "";
}

class Hostile : public testing::TestWithParam<std::string> {};

TEST_P(Hostile, FailsSoon) {
  EXPECT_NE(error_of(GetParam()), "");
}

INSTANTIATE_TEST_SUITE_P(
    Templates, Hostile,
    testing::Values(
        // nesting
        "{{ " + repeated("(", 5000) + "1" + repeated(")", 5000) + " }}", "{{ " + repeated("[", 100000),
        "{{ " + repeated("-", 100000) + "1 }}", "{{ " + repeated("not ", 100000) + "1 }}",
        "{{ 1" + repeated(" + 1", 100000) + " }}", "{{ x" + repeated(".a", 100000) + " }}",
        "{{ x" + repeated("|upper", 100000) + " }}", "{{ 1" + repeated(" if 1", 100000) + " }}",
        "{{ 1" + repeated(" if 1 else 1", 100000) + " }}", repeated("{% if 1 %}", 100000),
        repeated("{% for x in y %}", 100000), "{% set " + repeated("(", 100000) + "a",
        "{{ 1 is " + repeated("eq [", 100000),
        // recursion
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(x) %}{{ f(f) }}{% endmacro %}{{ f(f) }}",
        "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
        "{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}",
        "{% set ns = namespace(x=()) %}{% for i in range(99) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ "
        "ns.x }}",
        "{% set ns = namespace(x=()) %}{% for i in range(99) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}"
        "{{ {ns.x: 1} }}",
        "{% set ns = namespace(x=()) %}{% for i in range(99) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}"
        "{{ ns.x == ns.x[0] or ns.x < ns.x }}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
        "{{ ns.x|tojson }}",
        // time
        repeated("{% for x in range(100000) %}", 5) + repeated("{% endfor %}", 5),
        "{% for a in range(100000) %}{% for b in range(100000) %}{% set x = a %}{% endfor %}{% endfor %}",
        // memory
        "{{ 'a' * 9000000000000000000 }}", "{{ [0] * 9000000000000000000 }}", "{{ 'aaaaaaaa' * 100000000 }}",
        "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ "
        "ns.x }}",
        "{% set ns = namespace(x=[0]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{{ 'a'.center(9000000000) }}", "{{ '%9000000000d' % 1 }}", "{{ '%*d' % (900000000, 1) }}",
        "{{ '{:900000000}'.format(1) }}", "{{ 'a'|indent(9000000000) }}", "{{ 'a'.ljust(9000000000) }}",
        "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}", "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
        "{{ range(100000000) }}", "{{ 'a'|list|batch(900000000000, 0)|list }}",
        "{{ []|slice(900000000)|list }}", "{{ [1]|tojson(indent=9000000000) }}",
        "{{ '\t'.expandtabs(9000000000) * 1000 }}",
        "{% for i in range(100000) %}{{ 'aaaaaaaaaaaaaaaaaaaa' * 1000 }}{% endfor %}",
        "{{ ','.join(['a' * 1000000] * 10000) }}", "{{ '{'.format(1) }}",
        "{% set x = 'a' * 30000000 %}{% for i in range(100000) %}{{ (x|string)[:0] }}{% endfor %}",
        "{% set x = 'a' * 30000000 %}{% for i in range(100000) %}{{ {}[x] }}{{ x in {} }}{% endfor %}",
        // arithmetic
        "{{ 9223372036854775807 + 1 }}", "{{ (-9223372036854775807 - 1) // -1 }}", "{{ 10 ** 100 }}",
        "{{ 99999999999999999999 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 0 ** -1 }}",
        "{{ -(-9223372036854775807 - 1) }}", "{{ (-9223372036854775807 - 1)|abs }}", "{{ 1e308 ** 2 }}",
        // what is not there
        "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}", "{% block a %}{% endblock %}",
        "{{ ''.__class__.__mro__ }}", "{{ x() }}", "{{ 1() }}", "{% break %}"));

TEST(JinjaLimits, ExtremesThatWork) {
  const auto render = [](const std::string& source) {
    return jinja::Template::parse(source).render({}).bytes();
  };
  EXPECT_EQ(render("{{ (-9223372036854775807 - 1) % -1 }}"), "0");
  EXPECT_EQ(
      render("{{ 'abc'[9223372036854775807:] }}{{ 'abc'[-9223372036854775807:1:9223372036854775807] }}"),
      "a");
  EXPECT_EQ(render("{{ range(9223372036854775806, 9223372036854775807, 5)|list }}"), "[9223372036854775806]");
  EXPECT_EQ(render("{{ [1, 2][::9223372036854775807] }}{{ [1, 2][::-9223372036854775807] }}"), "[1][2]");
  EXPECT_EQ(render("{% macro f(n) %}{{ f(n - 1) if n else 'end' }}{% endmacro %}{{ f(40) }}"), "end");
  EXPECT_EQ(render("{{ " + repeated("(", 40) + "1" + repeated(")", 40) + " }}"), "1");
  EXPECT_EQ(render(""), "");
}

TEST(JinjaLimits, ErrorsNameTheLine) {
  EXPECT_NE(error_of("a\nb\n{{ 1 + }}").find("line 3"), std::string::npos);
  EXPECT_NE(error_of("a\nb\n\n{{ 1 + 'x' }}").find("line 4"), std::string::npos);
}

// Macros and namespaces that hold each other are taken apart (leaks are found by the address sanitizer).
TEST(JinjaLimits, Circles) {
  const std::string source =
      "{% set ns = namespace() %}{% macro f() %}{% set ns.g = caller %}{% endmacro %}"
      "{% for i in range(3) %}{% call f() %}{{ ns.g }}{% endcall %}{% set ns.loop = loop %}{% set ns.self = "
      "ns %}"
      "{% endfor %}{% set ns.f = f %}{% set d = {'m': f}.get %}{% set ns.d = d %}ok";
  EXPECT_EQ(jinja::Template::parse(source).render({}).bytes(), "ok");
}

}  // namespace
}  // namespace yoke
