"""What four real files answered: the table that lesson 4 shows."""

from __future__ import annotations

from hfft_widgets.teaching.tables import quantizations


def test_the_table_is_whole():
    table = quantizations()
    assert [one.quantization for one in table.files] == ["F16", "Q8_0", "Q4_K_M", "Q2_K"]
    assert len(table.questions) == len(table.expected) == 100
    assert all(len(one.answers) == 100 for one in table.files)
    assert "on a processor" in table.about


def test_smaller_files_change_more_answers():
    files = quantizations().files
    assert [one.size_bytes for one in files] == sorted((one.size_bytes for one in files), reverse=True)
    assert [one.changed for one in files] == sorted(one.changed for one in files)
    assert files[0].changed == 0 < files[-1].changed


def test_only_the_models_own_template_gives_its_answers():
    forms = quantizations().forms
    own = forms["its own template"]
    assert own.right == quantizations().files[0].right
    assert all(one.right < own.right and one.ended < own.ended for one in forms.values() if one is not own)
    assert all("{question}" in one.template for one in forms.values())
