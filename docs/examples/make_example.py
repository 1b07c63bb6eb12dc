"""Write the example district: `district.xlsx` and the same content as `district/TABLE.csv`.

    python make_example.py [FOLDER]

Everybody and every place is invented. The rows worth looking at stand in the tables below;
the ordinary ones come from a seeded generator whose figures stay far from every threshold.
The same script gives the same bytes. `expected*.csv` were written by hand and are not touched.
"""

from __future__ import annotations

import csv
import io
import random
import re
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

# openpyxl ships no types; a separate stub package may or may not be there
from openpyxl import Workbook  # type: ignore[import-untyped, unused-ignore]
from openpyxl.styles import Font  # type: ignore[import-untyped, unused-ignore]

SEED = 160
STAMP = datetime(2026, 11, 23, 9, 0, 0)
YEARS = ("2022/23", "2023/24", "2024/25", "2025/26")

# ------------------------------------------------------------------ the rows worth looking at
# Mentor of appointment A0nn is T1nn, mentee T2nn; T0nn hold posts, T3nn are other teachers.

SCHOOLS = """
id  | lang | kind             | week | name
S01 | kk   | ordinary         | 5    | № 1 жалпы орта білім беретін мектеп
S02 | ru   | ordinary         | 5    | Общеобразовательная школа № 2
S03 | kk   | ordinary         | 6    | № 3 мектеп-гимназия
S04 | ru   | ordinary         | 5    | Школа-лицей № 4
S05 | kk   | ordinary         | 5    | Қарағайөзек ауылының жалпы орта мектебі
S06 | kk   | ordinary         | 6    | Сарыөзен кентінің жалпы орта мектебі
S07 | ru   | ordinary         | 5    | Общеобразовательная школа села Берёзовый Яр
S08 | kk   | ordinary         |      | Жаңаөріс ауылының жалпы орта мектебі
S09 | kk   | ordinary         | 5    | Үшбұлақсай ауылының жалпы орта мектебі
S10 | kk   | small_complement | 5    | Көкдөң ауылының шағын жинақталған мектебі
S11 | ru   | small_complement | 5    | Малокомплектная школа села Сосновый Лог
S12 | kk   | small_complement | 5    | Өрнексай ауылының шағын жинақталған мектебі
S13 | kk   | small_complement |      | Ащыбастау ауылының шағын жинақталған мектебі
S14 | kk   |                  | 5    | Тасқынсу ауылының негізгі мектебі
"""

# `usual` in the last column of APPOINTMENTS: the mentor comes from the generator.
# mentee `=nn`: the mentee of appointment A0nn; `self`: the mentor; mentor `=nn`: that of A0nn.
APPOINTMENTS = """
id   | school | mentor | mentee | subject             | ordered_on | starts_on  | ends_on    | why
A001 | S01    |        |        | математика          | 2020-03-02 |            | 2020-05-25 | usual
A002 | S03    |        |        | физика              | 2024-09-02 | 2024-09-02 | 2025-05-25 | table
A003 | S02    |        |        | Математика          | 2026-01-12 | 2026-01-12 | 2026-05-25 | usual
A004 | S10    |        |        | бастауыш сынып      | 2025-08-29 | 2025-09-01 | 2026-05-25 | usual
A005 | S14    |        |        | қазақ тілі          | 2026-09-02 |            | 2027-05-25 | usual
A006 | S01    |        |        | математика          | 2026-08-25 | 2026-09-01 | 2027-05-25 | table
A007 | S01    |        |        | ағылшын тілі        | 2026-08-25 | 2026-09-01 |            | usual
A008 | S01    |        |        | тарих               | 2026-09-01 | 2026-09-01 | 2027-05-25 | table
A009 | S02    |        |        | английский язык     | 2026-08-26 | 2026-09-01 | 2027-08-31 | usual
A010 | S02    |        |        | химия               | 2026-08-26 | 2026-09-01 | 2027-05-25 | table
A011 | S02    |        |        | начальные классы    | 2026-09-01 | 2026-09-01 | 2027-05-25 | table
A012 | S02    |        |        |                     | 2026-09-02 |            | 2027-05-25 | table
A013 | S03    |        |        | информатика         | 2026-08-27 | 2026-09-01 | 2027-05-25 | table
A014 | S03    |        |        | тарих               | 2026-08-27 | 2026-09-01 | 2027-05-25 | table
A015 | S03    |        |        | қазақ тілі          | 2026-09-01 | 2026-09-01 |            | usual
A016 | S04    |        |        | биология            | 2026-08-28 | 2026-09-01 | 2027-05-25 | table
A017 | S04    |        |        | география           | 2026-08-28 | 2026-09-01 | 2027-05-25 | table
A018 | S04    |        |        | русский язык        | 2026-09-03 | 2026-09-03 | 2027-05-25 | usual
A019 | S04    | =18    |        | русский язык        | 2026-11-13 | 2026-11-16 | 2027-05-25 | usual
A020 | S05    |        |        | математика          | 2026-09-01 | 2026-09-01 | 2027-05-25 | table
A021 | S05    |        |        | биология            | 2026-09-01 | 2026-09-01 | 2027-05-25 | table
A022 | S05    |        |        | бастауыш сынып      | 2026-09-03 | 2026-09-03 | 2027-05-25 | table
A023 | S06    |        |        | физика              | 2026-09-02 | 2026-09-02 | 2027-05-25 | table
A024 | S06    |        | self   | ағылшын тілі        | 2026-09-02 | 2026-09-02 | 2027-05-25 | table
A025 | S06    |        | =26    | бастауыш сынып      | 2026-09-04 | 2026-09-04 | 2027-05-25 | usual
A026 | S06    |        |        | бастауыш сынып      | 2026-09-04 | 2026-09-04 | 2027-05-25 | usual
A027 | S07    |        |        | русский язык        | 2026-08-28 | 2026-09-01 | 2027-05-25 | table
A028 | S07    |        |        | математика          | 2026-09-02 |            | 2027-05-25 | table
A029 | S07    |        |        | история Казахстана  | 2026-09-04 | 2026-09-04 | 2027-05-25 | table
A030 | S08    |        |        | информатика         | 2026-09-01 | 2026-09-01 | 2027-05-25 | table
A031 | S08    |        |        | дене шынықтыру      | 2026-09-07 | 2026-09-07 | 2027-05-25 | table
A032 | S08    |        |        | қазақ тілі          | 2026-09-08 | 2026-09-08 |            | usual
A033 | S09    |        |        | математика          | 2026-09-01 | 2026-09-01 | 2027-05-25 | table
A034 | S09    |        |        | көркем еңбек        | 2026-09-07 | 2026-09-07 | 2027-05-25 | table
A035 | S10    |        |        | қазақ тілі          | 2026-09-09 | 2026-09-09 | 2027-05-25 | table
A036 | S11    |        |        | математика          | 2026-09-10 | 2026-09-10 | 2027-05-25 | table
A037 | S12    |        |        | химия               | 2026-09-11 | 2026-09-11 | 2027-05-25 | table
A038 | S13    |        | T999   | бастауыш сынып      | 2026-09-14 | 2026-09-14 | 2027-05-25 | usual
A039 | S14    |        |        | тарих               | 2026-09-16 | 2026-09-16 | 2027-05-25 | table
A040 | S09    |        |        | ағылшын тілі        | 31.09.2026 |            | 2027-05-25 | usual
"""

# What was done when, as month and day of the school year in which mentoring starts, or as a
# whole date. `needs`: the diagnosis; `academic`: the deputy head for academic work. Whoever has
# no row here has none in `plans`.
PLANS = """
id   | level | needs | draft | agreed | with        | approved | by          | from  | until
A002 | 09-10 | 09-12 | 09-16 | 09-17  | academic    | 09-18    | head        | 09-02 | 05-25
A003 | 01-20 | 01-22 | 01-26 | 01-27  | academic    | 01-28    | head        | 01-12 | 05-25
A004 | 09-10 | 09-11 | 09-15 | 09-16  | academic    | 09-17    | head        | 09-01 | 05-25
A005 | 09-11 | 09-15 | 09-17 | 09-18  | academic    | 09-18    | head        | 09-02 | 05-25
A006 | 09-09 | 09-11 | 09-15 | 09-16  | deputy_head | 09-17    | head        | 09-01 | 05-25
A007 | 09-10 | 09-14 | 09-16 | 09-17  | academic    | 09-18    | head        | 09-01 | 05-25
A008 | 09-11 | 09-16 | 09-18 | 09-21  | academic    | 09-22    | head        | 09-01 | 05-25
A009 | 09-08 | 09-10 | 09-14 | 09-15  | academic    | 09-16    | head        | 09-01 | 05-25
A010 | 09-14 | 09-16 | 09-18 | 09-21  | academic    | 09-22    | head        | 09-01 | 05-25
A011 | 09-10 | 09-15 | 09-22 | 09-23  | academic    | 09-24    | head        | 09-01 | 05-25
A012 | 09-08 | 09-10 | 09-14 | 09-15  | head        | 09-15    | head        | 09-02 | 05-25
A013 | 09-11 | 09-15 | 09-18 | 09-19  | academic    | 09-21    | head        | 09-01 | 05-25
A014 | 09-07 | 09-09 | 09-12 | 09-14  | academic    | 09-15    | deputy_head | 09-01 | 05-25
A015 | 09-10 | 09-12 | 09-16 | 09-17  | academic    | 09-18    | head        | 09-01 | 05-25
A016 | 09-10 | 09-14 | 09-16 | 09-17  | other       | 09-18    | head        | 09-01 | 05-25
A017 | 09-10 | 09-14 | 09-15 | 09-21  | academic    | 09-17    | head        | 09-01 | 05-25
A018 | 09-10 | 09-14 | 09-16 | 09-14  | academic    | 09-18    | head        | 09-03 | 05-25
A019 |       |       |       |        |             |          |             |       |
A020 |       |       |       |        |             |          |             |       |
A021 | 09-11 | 09-07 | 09-09 | 09-14  | academic    | 09-15    | head        | 09-01 | 05-25
A022 |       | 09-15 | 09-17 | 09-18  | academic    | 09-21    | head        | 09-03 | 05-25
A023 | 09-14 | 09-16 | 09-19 | 09-21  | academic    | 09-22    | head        | 09-02 | 05-25
A025 | 09-11 | 09-14 | 09-16 | 09-17  | academic    | 09-18    | head        | 09-04 | 05-25
A026 | 09-14 | 09-16 | 09-17 | 09-18  | academic    | 09-19    | head        | 09-04 | 05-25
A027 | 09-11 | 09-15 | 09-17 | 09-18  | academic    | 09-21    | head        | 09-01 | 2029-05-25
A028 | 09-11 | 09-15 | 09-17 | 09-18  | academic    | 09-21    | head        | 08-25 | 05-25
A029 | 09-14 | 09-16 | 09-18 | 09-21  | academic    |          |             | 09-04 | 05-25
A030 | 09-08 |       | 09-11 | 09-14  | academic    | 09-15    | head        | 09-01 | 05-25
A031 | 09-16 | 09-18 | 09-22 | 09-23  | academic    | 09-24    | head        | 09-07 | 05-25
A032 | 09-21 | 09-23 | 09-25 | 09-28  | academic    | 09-29    | head        | 09-08 | 05-25
A034 | 09-16 | 09-18 | 09-22 |        |             | 09-24    | head        | 09-07 | 05-25
A035 | 09-18 | 09-22 | 09-24 | 09-25  | academic    | 09-28    | head        | 09-09 | 05-25
A036 | 09-17 | 09-21 | 09-23 | 09-24  | academic    | 09-25    | head        | 09-10 |
A037 | 09-21 | 09-23 | 09-25 |        |             |          |             | 09-11 | 05-25
A038 | 09-24 | 09-25 | 09-30 | 10-01  | academic    | 10-02    | head        | 09-14 | 05-25
A039 | 09-28 | 09-30 | 10-02 | 10-05  | academic    | 10-06    | head        | 09-16 | 05-25
"""

# The register ends on that day; elsewhere it is complete up to the day judged on.
RECORDED_UNTIL = {"A029": date(2026, 9, 30), "A031": date(2026, 11, 23)}

INTERIM = """
id   | on    | body                   | form
A002 | 12-20 | methodical_association | video
A004 | 12-19 | methodical_association | video
A005 | 11-20 | methodical_association | video
A006 | 11-06 | methodical_association | video
A007 | 11-13 | methodical_association | project
A009 | 11-12 | methodical_association | video
A012 | 11-19 | methodical_association | video
A013 | 11-20 | methodical_association | video
A016 | 11-18 | methodical_association | video
A017 | 11-17 | methodical_association | video
A021 | 11-20 | methodical_association | video
A023 | 11-13 | methodical_association | video
A025 | 11-18 | other                  | video
A026 | 11-19 | methodical_association | video
A028 | 11-16 | methodical_association | video
A034 | 11-10 | methodical_association | video
A035 | 11-20 | methodical_association | open_lesson
A038 | 11-19 |                        | video
A039 | 11-20 | methodical_association | video
"""

FINAL = """
id   | prepared | on    | body                | results | recommendations
A002 | 05-19    | 05-23 | pedagogical_council | yes     | yes
A003 | 05-18    | 05-22 | pedagogical_council | yes     | no
A004 | 05-22    | 05-29 | pedagogical_council | yes     | yes
"""

# Home school where it is not that of the appointment: T136 teaches in the neighbouring village.
MENTORS = """
id   | home | category   | from       | until      | what is special
T102 |      | master     | 2025-07-01 | 2030-06-30 | researcher on the day of the order: history
T106 |      |            |            |            | category left empty
T108 |      | researcher | 2021-06-15 | 2026-06-14 | expired before the order
T110 |      | researcher | 2023-03-01 | 2028-02-29 | exactly 60 three times, ordinary school
T111 |      | researcher | 2022-06-20 | 2027-06-19 | breach of ethics found before the order
T112 |      | master     | 2023-12-18 | 2028-12-17 | no mentored subject named, both taught fit
T113 |      | master     | 2024-06-10 | 2029-06-09 | exactly 70 three times, ordinary school
T114 |      | researcher | 2022-05-16 | 2027-05-15 | head of the school
T116 |      | researcher | 2024-01-15 | 2029-01-14 | only acts as deputy head
T117 |      | researcher | 2023-06-26 | 2028-06-25 | two figures for 2025/26 that disagree
T120 |      | researcher | 2022-12-05 | 2027-12-04 | 59.99 three times
T121 |      | master     | 2024-06-24 | 2029-06-23 | deputy head until the eve of the order
T122 |      | researcher | 2020-10-12 |            | over five years old, no end stated
T123 |      | researcher | 2023-06-19 | 2028-06-18 | no row for 2024/25
T124 |      | researcher | 2022-06-27 | 2027-06-26 | mentor of herself
T127 |      | highest    | 2018-04-10 | 2026-12-31 | category of the old system
T128 |      | researcher | 2021-11-01 | 2026-10-31 | expires after the order
T129 |      | researcher | 2024-06-17 | 2029-06-16 | one weak year, good mean
T130 |      | moderator  | 2023-06-12 | 2028-06-11 | low category and a pending complaint
T131 |      | researcher | 2023-12-11 | 2028-12-10 | post with an unreadable date
T133 |      | researcher | 2022-06-13 | 2027-06-12 | a year without a figure cannot save it
T134 |      | master     | 2023-06-05 | 2028-06-04 | deputy head until the day of the order
T135 |      | researcher | 2022-12-12 | 2027-12-11 | exactly 60 three times, small school
T136 | S07  | researcher | 2024-06-03 | 2029-06-02 | from another school, in no reserve
T137 |      | researcher | 2023-06-14 | 2028-06-13 | mentored subject is not one she teaches
T139 |      | researcher | 2024-12-09 | 2029-12-08 | about 65, kind of school not stated
"""

# 60.00 a number, 60% a percent cell, 27/45 learners, `no figure` a row without one,
# 74 & 47 two rows for one year, empty: no row.
FIGURES = """
id   | subject             | 2021/22 | 2022/23 | 2023/24 | 2024/25 | 2025/26
T102 | физика              | 74.5    | 76      | 77.2    | 79      | 80.1
T106 | математика          |         | 77      | 78.5    | 79      | 81
T108 | тарих               |         | 74      | 76.3    | 75      | 78
T110 | химия               |         | 66      | 60.00   | 60%     | 27/45
T111 | начальные классы    |         | 79      | 80      | 82.4    | 81
T112 | русский язык        |         | 76      | 77      | 78.2    | 79
T112 | русская литература  |         | 80      | 81.5    | 83      | 82
T113 | информатика         |         | 68      | 70.00   | 70.00   | 70.00
T114 | тарих               |         | 73      | 74      | 76.1    | 75
T116 | биология            |         | 75      | 77.4    | 76      | 78
T117 | география           |         | 75      | 76      | 73      | 74 & 47
T120 | математика          |         | 61      | 59.99   | 59.99   | 59.99
T121 | биология            |         | 78      | 79      | 77.7    | 80
T122 | бастауыш сынып      |         | 80      | 81      | 79.6    | 83
T123 | физика              |         | 80      | 76      |         | 79
T124 | ағылшын тілі        |         | 74      | 75.5    | 77      | 76
T127 | русский язык        |         | 73      | 75      | 74.8    | 76
T128 | математика          |         | 76      | 78      | 77      | 79.3
T129 | история Казахстана  |         | 70      | 58      | 74      | 81
T130 | информатика         |         | 72      | 73      | 75.2    | 74
T131 | дене шынықтыру      |         | 84      | 83      | 85      | 84
T133 | математика          |         | 44      | 41      | 36      | no figure
T134 | көркем еңбек        |         | 82      | 83.3    | 84      | 85
T135 | қазақ тілі          |         | 58      | 60.00   | 60.00   | 60%
T136 | математика          |         | 77      | 78      | 76.6    | 80
T137 | биология            |         | 69      | 71      | 73      | 70.5
T137 | география           |         | 57      | 54      | 55      | 56
T139 | тарих               |         | 63      | 65      | 64      | 66
"""

ETHICS = """
id   | ethics   | on         | document
T111 | breached | 2026-03-12 | протокол № 2 совета по этике
T130 | pending  | 2026-08-21 | № 14 өтініш
"""

HISTORY = """
id   | category   | from       | until
T102 | researcher | 2020-07-01 | 2025-06-30
T102 | expert     | 2015-07-01 | 2020-06-30
"""

# who: an id from above, or `new` for a teacher of the generator. Every post of the district.
POSTS = """
school | who  | post        | portfolio  | acting | since            | until
S01    | new  | head        |            | no     | 2021-08-16       |
S01    | new  | deputy_head | academic   | no     | 2022-08-22       |
S01    | new  | deputy_head | upbringing | no     | 2023-08-21       |
S02    | new  | head        |            | no     | 2019-08-19       |
S02    | new  | deputy_head | academic   | no     | 2020-08-24       |
S02    | new  | deputy_head | upbringing | yes    | 2026-08-20       |
S03    | T114 | head        |            | no     | 2022-08-15       |
S03    | new  | deputy_head | academic   | no     | 2023-08-14       |
S03    | new  | deputy_head | upbringing | no     | 2021-08-23       |
S04    | new  | head        |            | no     | 2023-01-09       |
S04    | new  | deputy_head | academic   | no     | 2020-08-17       | 2026-08-14
S04    | T116 | deputy_head | academic   | yes    | 2026-08-17       |
S04    | new  | deputy_head | upbringing | no     | 2024-08-19       |
S05    | new  | head        |            | no     | 2020-01-13       |
S05    | T121 | deputy_head | academic   | no     | 2021-08-30       | 2026-08-31
S05    | new  | deputy_head | academic   |        | 2026-09-01       |
S05    | new  | deputy_head | upbringing | no     | 2022-08-29       |
S06    | new  | head        |            | no     | 2024-08-12       |
S06    | new  | deputy_head | academic   | no     | 2022-08-22       |
S06    | new  | deputy_head | upbringing | no     | 2022-08-22       |
S06    | new  | deputy_head | other      | no     | 2025-02-03       |
S07    | new  | head        |            | no     | 2018-08-20       |
S07    | new  | deputy_head | academic   | no     | 2021-08-16       |
S07    | new  | deputy_head | upbringing | no     | 2023-10-02       |
S08    | new  | head        |            |        | 2022-01-10       |
S08    | new  | deputy_head | academic   | no     | 2023-08-28       |
S08    | T131 | deputy_head | upbringing | no     | 2024 ж. тамыздан |
S09    | new  | head        |            | no     | 2021-03-01       |
S09    | new  | deputy_head | academic   | no     | 2020-08-24       |
S09    | T134 | deputy_head | upbringing | no     | 2023-08-21       | 2026-09-07
S10    | new  | head        |            | no     | 2022-08-22       |
S10    | new  | deputy_head | academic   | no     | 2024-08-26       |
S11    | new  | head        |            | no     | 2019-11-04       |
S11    | new  | deputy_head | academic   | no     | 2021-08-23       |
S12    | new  | head        |            | no     | 2023-08-14       |
S12    | new  | deputy_head | academic   | no     | 2023-08-21       |
S13    | new  | head        |            | yes    | 2026-06-29       |
S13    | new  | deputy_head | academic   | no     | 2025-08-18       |
S14    | new  | head        |            | no     | 2020-08-17       |
S14    | new  | deputy_head | academic   | no     | 2022-08-15       |
"""

# Beginners start on 1 September of the year of the order, except these.
FIRST_TAUGHT = {
    "T201": date(2019, 9, 2),
    "T202": date(2024, 9, 2),
    "T203": date(2026, 1, 12),
    "T219": date(2026, 11, 16),
    "T232": date(2021, 9, 1),
}
SUBJECTS_EMPTY = {"T115"}  # taught subjects are then those of the quality rows
NO_RESERVE = {"T111", "T114", "T120", "T127", "T130", "T133", "T134", "T136"}
# Days of the proposal and of the council, by the year in which the school year begins.
RESERVE_FORMED = {
    2019: (date(2019, 6, 5), date(2019, 8, 27)),
    2024: (date(2024, 6, 5), date(2024, 8, 27)),
    2025: (date(2025, 6, 4), date(2025, 8, 27)),
    2026: (date(2026, 6, 3), date(2026, 8, 24)),
}
# Mentors are listed for the year of their appointment; these for an earlier one too.
LISTED_BEFORE = (("S01", "T107", 2025), ("S01", "T108", 2025), ("S05", "T122", 2025))
LISTED_DEPUTY_SCHOOL = "S05"  # its deputy for upbringing is listed in the reserve

# who empty: everybody whom the school lists.
RESERVE = """
school | who  | column      | cell  | what is special
S07    | T129 | proposed_by | other | one of three was proposed by somebody else
S09    |      | protocol_no |       | number of the minutes not stated
S11    |      | formed_by   | other | formed by somebody else than the council
S12    |      | proposed_on |       | day of the proposal not stated
S13    |      | formed_on   |       | undated
"""
SPARE = ("S01", "S02", "S04", "S06", "S07", "S08", "S10", "S11")  # fit, listed, no mentee
OTHERS = {
    "S01": 4,
    "S02": 4,
    "S03": 4,
    "S04": 3,
    "S05": 3,
    "S06": 3,
    "S07": 2,
    "S08": 2,
    "S09": 2,
    "S10": 1,
    "S11": 1,
    "S12": 1,
    "S13": 0,
    "S14": 1,
}

# ------------------------------------------------------------------ words for invented people

# A man's surname; a woman's adds `а`. Patronymics add `қызы` and `ұлы`, or `на` and `ич`.
NAMES = """
lang | part    | words
kk   | surname | Әлімжанов Бөлеков Ғалымов Дүйсенов Ермағанбетов Жүнісов Қасенов Кеңесов
kk   | surname | Мұқашев Нұрпейсов Өтегенов Сәрсенов Тілеуов Үсенов Шәріпов Ысқақов
kk   | surname | Таңатаров Рүстемов Құлбаев Іргебаев Байғазин Сейітқазин
kk   | woman   | Айгүл Әсел Гауһар Гүлнәр Динара Жанар Зәуре Қарлығаш Ләззат Мәдина Нұргүл
kk   | woman   | Перизат Раушан Салтанат Сәуле Ұлболсын Үміт Шынар Іңкәр Таңсұлу Шаһизада
kk   | man     | Асқар Бауыржан Ғалым Дәулет Ерлан Жәнібек Қайрат Қуаныш Мақсат Нұрлан
kk   | man     | Өмірбек Талғат Ұлан Шыңғыс Ілияс Ибраһим
kk   | father  | Серік Бақыт Нұрғали Амангелді Төлеген Әбіш Қайырбек Мұрат Сәбит Жұмабек
kk   | father  | Темірхан Ғаббас Үсен Оңғар Ізтілеу
ru   | surname | Ковалёв Мельников Зайцев Воронин Лебедев Тарасов Гусев Белов Савельев Ершов
ru   | surname | Ахметов Сулейменов Жумабаев Искаков
ru   | woman   | Ирина Ольга Наталья Светлана Елена Татьяна Гульнара Айжан Сауле Марина
ru   | man     | Андрей Сергей Виктор Данияр Павел Марат
ru   | father  | Иванов Петров Николаев Викторов Сериков Маратов Алексеев Сабитов
"""
SUBJECTS = {
    "kk": (
        "математика",
        "физика",
        "қазақ тілі",
        "қазақ әдебиеті",
        "ағылшын тілі",
        "тарих",
        "бастауыш сынып",
        "информатика",
        "биология",
        "география",
        "химия",
        "көркем еңбек",
    ),
    "ru": (
        "математика",
        "физика",
        "русский язык",
        "русская литература",
        "английский язык",
        "история Казахстана",
        "начальные классы",
        "информатика",
        "биология",
        "химия",
    ),
}

# ------------------------------------------------------------------ cells and tables


@dataclass(frozen=True)
class Percent:
    """A whole percentage in a cell formatted as percent: 0.6 shown as 60 %."""

    shown: int


@dataclass(frozen=True)
class TextDate:
    """A date that somebody typed as text: 01.09.2025."""

    day: date


Cell = str | int | Decimal | date | Percent | TextDate
Row = dict[str, Cell]

COLUMNS = {
    "schools": "school_id name kind week region district",
    "teachers": "teacher_id school_id name subjects category category_from category_until "
    "ethics ethics_on ethics_document status first_taught_on",
    "categories": "teacher_id category from until",
    "posts": "teacher_id post portfolio acting since until",
    "quality": "teacher_id subject school_year percent learners learners_good",
    "appointments": "appointment_id school_id mentor_id mentee_id subject order_no ordered_on "
    "starts_on ends_on",
    "plans": "appointment_id recorded_until level_determined_on diagnosed_on drafted_on agreed_on "
    "agreed_by approved_on approved_by period_from period_until interim_on interim_body "
    "interim_form final_prepared_on final_on final_body final_has_results "
    "final_has_recommendations",
    "reserve": "school_id teacher_id proposed_by proposed_on formed_by formed_on protocol_no",
}


def table(text: str) -> list[dict[str, str]]:
    """The rows of a table drawn with `|`, as mappings of header to text."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def day_or_text(text: str) -> Cell:
    """The date that an ISO text names; any other text as it stands."""
    return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text


def begins(day: date) -> int:
    """The year in which the school year of a day begins; a summer day is of the coming one."""
    return day.year if day.month >= 6 else day.year - 1


def day_of(text: str, year: int) -> Cell:
    """The month and day `text` of the school year that begins in `year`; else `day_or_text`."""
    if not re.fullmatch(r"\d\d-\d\d", text):
        return day_or_text(text)
    found = date.fromisoformat(f"{year}-{text}")
    return found if begins(found) == year else shifted(found, 1)


def shifted(start: date, years: int) -> date:
    """The same day so many years later; 29 February becomes the 28th."""
    leap_day = (start.month, start.day) == (2, 29)
    return start.replace(year=start.year + years, day=28 if leap_day else start.day)


def lowered(subject: str) -> str:
    """The subject with a small first letter, as most schools write it."""
    return subject[:1].lower() + subject[1:]


def five_years(start: date) -> date:
    """The last day of a category given for five years."""
    return shifted(start, 5) - timedelta(days=1)


@dataclass
class District:
    """The eight tables, and the generator that fills the ordinary rows."""

    rng: random.Random = field(default_factory=lambda: random.Random(SEED))
    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    names: set[str] = field(default_factory=set)

    def add(self, to: str, /, **cells: Cell) -> None:
        self.tables[to].append(cells)

    # only `random()` is drawn from: its sequence is the same in every Python
    def below(self, n: int) -> int:
        return int(self.rng.random() * n)

    def pick(self, words: Sequence[str]) -> str:
        return words[self.below(len(words))]

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def day(self, first: date, last: date) -> date:
        """A Monday to Friday between the two."""
        found = first + timedelta(days=self.below((last - first).days + 1))
        return found if found.weekday() < 5 else found - timedelta(days=2)

    def name(self, lang: str) -> str:
        """Surname, name and patronymic of somebody who does not exist; none comes twice."""
        woman = self.chance(0.75)
        spelling = lang if self.chance(0.85) else {"kk": "ru", "ru": "kk"}[lang]
        words = {
            part: [
                word
                for row in table(NAMES)
                if (row["lang"], row["part"]) == (spelling, part)
                for word in row["words"].split()
            ]
            for part in ("surname", "woman", "man", "father")
        }
        endings = {"kk": ("ұлы", "қызы"), "ru": ("ич", "на")}[spelling]
        full = (
            f"{self.pick(words['surname'])}{'а' if woman else ''} "
            f"{self.pick(words['woman' if woman else 'man'])} "
            f"{self.pick(words['father'])}{endings[woman]}"
        )
        if full in self.names:
            return self.name(lang)
        self.names.add(full)
        return full

    def teacher(
        self,
        teacher_id: str,
        school: dict[str, str],
        subjects: Sequence[str],
        category: str,
        since: Cell,
        until: Cell,
        first: Cell,
        *,
        plain: bool = False,
    ) -> None:
        """Add a teacher; `plain` leaves the ethics cells empty for a table to fill."""
        ethics: Row = {}
        if not plain and self.chance(0.3):
            ethics = {
                "ethics": "observed",
                "ethics_on": self.day(date(2026, 5, 11), date(2026, 6, 12)),
                "ethics_document": f"№ {2 + self.below(6)} хаттама"
                if school["lang"] == "kk"
                else f"протокол № {2 + self.below(6)}",
            }
        status = "working" if self.chance(0.8) else ""
        self.add(
            "teachers",
            teacher_id=teacher_id,
            school_id=school["id"],
            name=self.name(school["lang"]),
            subjects="" if teacher_id in SUBJECTS_EMPTY else "; ".join(subjects),
            category=category,
            category_from=since,
            category_until=until,
            status=status,
            first_taught_on=first,
            **ethics,
        )

    def figure(self, teacher_id: str, subject: str, year: str, text: str) -> None:
        """Add the quality row that a cell of FIGURES describes."""
        cells: Row = {}
        if "/" in text:
            good, learners = text.split("/")
            cells = {"learners": int(learners), "learners_good": int(good)}
        elif text.endswith("%"):
            cells = {"percent": Percent(int(text[:-1]))}
        elif text != "no figure":
            cells = {"percent": Decimal(text)}
        self.add("quality", teacher_id=teacher_id, subject=subject, school_year=year, **cells)

    def figures(
        self,
        teacher_id: str,
        subjects: Sequence[str],
        low: int,
        high: int,
        years: Sequence[str] = YEARS,
    ) -> None:
        """Add ordinary rows: never below `low`, at most `high` percent."""
        for subject in subjects:
            usual = low * 10 + 30 + self.below((high - low - 6) * 10)
            for year in years:
                tenths = usual - 30 + self.below(60)
                draw = self.rng.random()
                if draw < 0.08:
                    learners = 24 + self.below(90)
                    text = f"{-(-tenths * learners // 1000)}/{learners}"
                elif draw < 0.20:
                    text = f"{-(-tenths // 10)}%"
                elif draw < 0.55:
                    text = str(-(-tenths // 10))
                else:
                    text = str(Decimal(tenths) / 10)
                self.figure(teacher_id, subject, year, text)

    def fit_teacher(self, teacher_id: str, school: dict[str, str], subjects: Sequence[str]) -> None:
        """Add a teacher who clearly qualifies in the kind of school at hand."""
        since = self.day(date(2022, 1, 10), date(2025, 6, 20))
        self.teacher(
            teacher_id,
            school,
            subjects,
            "master" if self.chance(0.3) else "researcher",
            since,
            "" if self.chance(0.1) else five_years(since),
            date(1993 + self.below(20), 9, 1),
        )
        small = school["kind"] == "small_complement"
        self.figures(teacher_id, subjects, 63 if small else 72, 82 if small else 87)
        if self.chance(0.6):
            self.add(
                "categories",
                teacher_id=teacher_id,
                category="expert",
                **{"from": shifted(since, -5), "until": since - timedelta(days=1)},
            )

    def other_teacher(self, teacher_id: str, school: dict[str, str], share: float) -> None:
        """Add a teacher of no particular standing, with figures in `share` of the cases."""
        subjects = [self.pick(SUBJECTS[school["lang"]])]
        if self.chance(0.2):
            second = self.pick(SUBJECTS[school["lang"]])
            subjects += [second] if second not in subjects else []
        first = 1993 + self.below(29)
        since = self.day(date(2022, 1, 10), date(2025, 6, 20))
        ladder = ("teacher", "moderator", "moderator", "expert", "expert", "researcher")
        category = self.pick(ladder[:2] if first > 2018 else ladder[1:])
        self.teacher(
            teacher_id, school, subjects, category, since, five_years(since), date(first, 9, 1)
        )
        if self.chance(share):
            self.figures(teacher_id, subjects, 45, 85)


def add_plans(district: District) -> None:
    """Fill the table `plans` from PLANS, INTERIM and FINAL."""
    started = {
        row["id"]: date.fromisoformat(row["starts_on"] or row["ordered_on"])
        for row in table(APPOINTMENTS)
        if row["id"] in {plan["id"] for plan in table(PLANS)}
    }
    interim = {row["id"]: row for row in table(INTERIM)}
    final = {row["id"]: row for row in table(FINAL)}
    for plan in table(PLANS):
        year = begins(started[plan["id"]])
        cells: Row = {
            "appointment_id": plan["id"],
            "level_determined_on": day_of(plan["level"], year),
            "diagnosed_on": day_of(plan["needs"], year),
            "drafted_on": day_of(plan["draft"], year),
            "agreed_on": day_of(plan["agreed"], year),
            "agreed_by": plan["with"].replace("academic", "deputy_head_academic"),
            "approved_on": day_of(plan["approved"], year),
            "approved_by": plan["by"],
            "period_from": day_of(plan["from"], year),
            "period_until": day_of(plan["until"], year),
        }
        if plan["id"] in RECORDED_UNTIL:
            cells["recorded_until"] = RECORDED_UNTIL[plan["id"]]
        if report := interim.get(plan["id"]):
            cells["interim_on"] = day_of(report["on"], year)
            cells["interim_body"] = report["body"]
            cells["interim_form"] = report["form"]
        if report := final.get(plan["id"]):
            cells["final_prepared_on"] = day_of(report["prepared"], year)
            cells["final_on"] = day_of(report["on"], year)
            cells["final_body"] = report["body"]
            cells["final_has_results"] = report["results"]
            cells["final_has_recommendations"] = report["recommendations"]
        district.add("plans", **cells)


def typed_dates(district: District) -> None:
    """Turn a few true dates into text, as happens when sheets are filled in by hand."""
    for rows in district.tables.values():
        for row in rows:
            for column, cell in row.items():
                if isinstance(cell, date) and district.chance(0.03):
                    row[column] = TextDate(cell)


def build() -> District:
    """The whole district, tables in the order of COLUMNS, rows in the order of their ids."""
    d = District()
    schools = {row["id"]: row for row in table(SCHOOLS)}
    for school in schools.values():
        d.add(
            "schools",
            school_id=school["id"],
            name=school["name"],
            kind=school["kind"],
            week=int(school["week"]) if school["week"] else "",
            region="Көкдала облысы",
            district="Сарыөзен ауданы",
        )

    special = {row["id"]: row for row in table(MENTORS)}
    ethics = {row["id"]: row for row in table(ETHICS)}
    taught: dict[str, list[str]] = {}
    for row in table(FIGURES):
        taught.setdefault(row["id"], []).append(row["subject"])
        for school_year in ("2021/22", *YEARS):
            for text in filter(None, row[school_year].split(" & ")):
                d.figure(row["id"], row["subject"], school_year, text)
    for row in table(HISTORY):
        d.add(
            "categories",
            teacher_id=row["id"],
            category=row["category"],
            **{"from": day_or_text(row["from"]), "until": day_or_text(row["until"])},
        )

    holders = 0
    listed_deputy = ""
    for row in table(POSTS):
        who = row["who"]
        if who == "new":
            holders += 1
            who = f"T{holders:03}"
            d.other_teacher(who, schools[row["school"]], 0.4)
        if row["school"] == LISTED_DEPUTY_SCHOOL and row["portfolio"] == "upbringing":
            listed_deputy = who
        d.add(
            "posts",
            teacher_id=who,
            post=row["post"],
            portfolio=row["portfolio"],
            acting=row["acting"],
            since=day_or_text(row["since"]),
            until=day_or_text(row["until"]),
        )

    reserve: list[tuple[str, str, int]] = []
    for number, row in enumerate(table(APPOINTMENTS), start=1):
        school = schools[row["school"]]
        mentor = f"T1{row['mentor'].lstrip('=') or row['id'][2:]}"
        ordered = day_or_text(row["ordered_on"])
        year = ordered.year if isinstance(ordered, date) else 2026
        if row["why"] == "table":
            m = special[mentor]
            d.teacher(
                mentor,
                schools[m["home"] or school["id"]],
                taught[mentor],
                m["category"],
                day_or_text(m["from"]),
                day_or_text(m["until"]),
                date(1994 + d.below(18), 9, 1),
                plain=True,
            )
            if mentor in ethics:
                e = ethics[mentor]
                d.tables["teachers"][-1].update(
                    ethics=e["ethics"],
                    ethics_on=day_or_text(e["on"]),
                    ethics_document=e["document"],
                )
        elif not row["mentor"]:
            d.fit_teacher(mentor, school, [lowered(row["subject"])])
        if mentor not in NO_RESERVE and not row["mentor"]:
            formed_for = begins(ordered) if isinstance(ordered, date) else 2026
            reserve.append((school["id"], mentor, formed_for))

        mentee = f"T2{row['mentee'].lstrip('=') or row['id'][2:]}"
        if row["mentee"] == "self":
            mentee = mentor
        elif row["mentee"].startswith("T"):
            mentee = row["mentee"]
        elif not row["mentee"]:
            subject = row["subject"] or taught[mentor][0]
            d.teacher(
                mentee,
                school,
                [lowered(subject)],
                "moderator" if year == 2020 else "teacher",
                "",
                "",
                FIRST_TAUGHT.get(mentee, date(year, 9, 1)),
                plain=True,
            )
        d.add(
            "appointments",
            appointment_id=row["id"],
            school_id=school["id"],
            mentor_id=mentor,
            mentee_id=mentee,
            subject=row["subject"],
            order_no=f"№ {30 + number}-н",
            ordered_on=ordered,
            starts_on=day_or_text(row["starts_on"]),
            ends_on=day_or_text(row["ends_on"]),
        )

    others = 0
    for place in SPARE:
        others += 1
        d.fit_teacher(f"T3{others:02}", schools[place], [d.pick(SUBJECTS[schools[place]["lang"]])])
        reserve.append((place, f"T3{others:02}", 2026))
    for place, count in OTHERS.items():
        for _ in range(count):
            others += 1
            d.other_teacher(f"T3{others:02}", schools[place], 0.6)
    d.tables["teachers"][-1]["status"] = "on_leave"

    reserve += [*LISTED_BEFORE, (LISTED_DEPUTY_SCHOOL, listed_deputy, 2026)]
    for place, teacher, year in sorted(reserve):
        proposed, formed = RESERVE_FORMED[year]
        changed = {
            row["column"]: row["cell"]
            for row in table(RESERVE)
            if row["school"] == place and row["who"] in ("", teacher)
        }
        entry: Row = {
            "school_id": place,
            "teacher_id": teacher,
            "proposed_by": "methodical_association",
            "proposed_on": proposed,
            "formed_by": "pedagogical_council",
            "formed_on": formed,
            "protocol_no": "№ 1",
        }
        d.add("reserve", **{**entry, **changed})
    add_plans(d)

    d.tables["teachers"].sort(key=lambda row: str(row["teacher_id"]))
    d.tables["quality"].sort(
        key=lambda row: (str(row["teacher_id"]), str(row["subject"]), str(row["school_year"]))
    )
    d.tables["categories"].sort(key=lambda row: (str(row["teacher_id"]), str(row["from"])))
    typed_dates(d)
    return d


# ------------------------------------------------------------------ writing


def csv_text(cell: Cell) -> str:
    """The cell as CSV writes it."""
    if isinstance(cell, Percent):
        return f"{cell.shown}%"
    if isinstance(cell, TextDate):
        return cell.day.strftime("%d.%m.%Y")
    return str(cell)


def csv_bytes(name: str, rows: list[Row]) -> bytes:
    """One table as UTF-8 CSV with `,` and line feeds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = COLUMNS[name].split()
    writer.writerow(columns)
    writer.writerows([csv_text(row.get(column, "")) for column in columns] for row in rows)
    return out.getvalue().encode()


def workbook_bytes(tables: dict[str, list[Row]]) -> bytes:
    """All tables as one workbook, a sheet each; no clock leaves a trace in it."""
    book = Workbook()
    for sheet in book.worksheets:
        book.remove(sheet)
    book.properties.creator = "make_example.py"
    book.properties.created = STAMP
    for name, rows in tables.items():
        sheet = book.create_sheet(name)
        columns = COLUMNS[name].split()
        sheet.append(columns)
        for cell in sheet[1]:
            cell.font = Font(bold=True)
            sheet.column_dimensions[cell.column_letter].width = 18
        sheet.freeze_panes = "A2"
        for y, row in enumerate(rows, start=2):
            for x, column in enumerate(columns, start=1):
                value = row.get(column, "")
                if value == "":
                    continue
                cell = sheet.cell(row=y, column=x)
                if isinstance(value, Percent):
                    cell.value, cell.number_format = value.shown / 100, "0%"
                elif isinstance(value, Decimal):
                    cell.value = float(value)
                    cell.number_format = "0.00" if csv_text(value)[-3:-2] == "." else "General"
                elif isinstance(value, date):
                    cell.value, cell.number_format = value, "yyyy-mm-dd"
                else:
                    cell.value = csv_text(value) if isinstance(value, TextDate) else value
    written = io.BytesIO()
    book.save(written)

    # openpyxl stamps the parts and `modified` with the clock. Stored, not deflated:
    # compressors differ between platforms.
    fixed = io.BytesIO()
    stamp = STAMP.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(fixed, "w") as target:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            entry = zipfile.ZipInfo(part.filename, STAMP.timetuple()[:6])
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content)
    return fixed.getvalue()


def main(arguments: Sequence[str]) -> int:
    """0 when the workbook and the folder of CSV files are written."""
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    tables = build().tables
    (folder / "district").mkdir(parents=True, exist_ok=True)
    (folder / "district.xlsx").write_bytes(workbook_bytes(tables))
    for name, rows in tables.items():
        (folder / "district" / f"{name}.csv").write_bytes(csv_bytes(name, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
