from __future__ import annotations

from hearth.mirror.man import included, man_text

PAGE = r""".\" a comment
.de Sh \" a definition
.br
\fB\\$1\fR
..
.TH "打印" 8 "2020" "" ""
.SH "总览 SYNOPSIS"
.B smbspool
.RI [ filename ]
.SH 描述
此程序是\fBSamba\fR(7)套件的
一部分。
.PP
It says \(lqhi\(rq \- twice\&.
.if n \{\
.  hidden
.\}
.nf
  a
    b
.fi
.TS
l l.
x	y
.TE
.IP \(bu 2
an item
"""


def test_a_page_becomes_prose() -> None:
    title, text = man_text(PAGE)
    assert title == "打印(8)"
    assert text.split("\n\n") == [
        "总览 SYNOPSIS",
        "smbspool [filename]",
        "描述",
        "此程序是Samba(7)套件的一部分。",
        "It says “hi” - twice.",
        "  a\n    b",
        "• an item",
    ]


def test_wrapped_english_lines_are_joined_by_a_space() -> None:
    assert man_text("one\ntwo")[1] == "one two"


def test_a_page_that_only_stands_for_another_says_which() -> None:
    assert included(".so man7/other.7\n") == "man7/other.7"
    assert included(".so man7/macros.7\ntext") is None


def test_an_unfinished_block_ends_with_the_page() -> None:
    assert man_text(".de X\nnever closed")[1] == ""
    assert man_text(".if n \\{\nnever closed")[1] == ""
    assert man_text(".\n'\n.  \nx")[1] == "x"
