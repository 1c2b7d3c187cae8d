"""Every layout is read; packing is exact, resumes to the same bytes, leaves nothing half done."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.export.speech import RATE, ljspeech, tone, write
from voicelet.errors import ConfigError
from voicelet_export.corpus import pack
from voicelet_export.corpus.cache import CacheWriter, FeatureCache
from voicelet_export.corpus.layouts import find_layout, read_sources
from voicelet_export.corpus.merge import merge_caches
from voicelet_export.corpus.pack import PackConfig, pack_corpus
from voicelet_export.corpus.reader import Utterance, iterate_corpus
from voicelet_export.errors import CorpusError


def vctk(folder: Path) -> Path:
    for speaker, number in (("p225", 1), ("p225", 2), ("p226", 1)):
        name = f"{speaker}_{number:03d}"
        for mic in (1, 2):
            wave = tone(0.6, 10 * number + mic, 48000)
            write(folder / "wav48_silence_trimmed" / speaker / f"{name}_mic{mic}.flac", wave, 48000)
        text = folder / "txt" / speaker / f"{name}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(f"Please call Stella, {name}.\n")
    (folder / "txt" / "p226" / "p226_009.txt").write_text("No recording.")
    (folder / "speaker-info.txt").write_text(
        "ID  AGE  GENDER  ACCENTS  REGION COMMENTS\n"
        "p225  23  F    English    Southern  England\np226  22  M    English    Surrey\n"
    )
    return folder


def libritts(folder: Path, subset: str = "train-clean-100") -> Path:
    for reader, chapter in (("19", "198"), ("26", "495")):
        name = f"{reader}_{chapter}_000000_000000"
        place = folder / subset / reader / chapter
        write(place / f"{name}.wav", tone(0.6, int(reader)))
        (place / f"{name}.normalized.txt").write_text("Mister Brown came.")
        (place / f"{name}.original.txt").write_text("Mr. Brown came.")
    (folder / "speakers.tsv").write_text(
        "READER\tGENDER\tSUBSET\tNAME\n19\tF\ttrain-clean-100\tKara\n26\tM\ttrain-clean-100\tDenny\n"
    )
    return folder


def common_voice(folder: Path) -> Path:
    rows = ["client_id\tpath\tsentence\tup_votes\tgender\n"]
    for number, (client, gender) in enumerate((("a" * 128, "female_feminine"), ("b" * 128, ""))):
        name = f"common_voice_en_{number}.mp3"
        write(folder / "clips" / name, tone(0.8, number, 32000), 32000, format="MP3")
        rows.append(f'{client}\t{name}\tHe said "no".\t2\t{gender}\n')
    rows.append(f"{'c' * 128}\t../../secret.mp3\tOut of the folder.\t2\t\n")
    write(folder.parent / "secret.mp3", tone(0.8, 9, 32000), 32000, format="MP3")
    (folder / "validated.tsv").write_text("".join(rows), encoding="utf-8")
    return folder


def plain(folder: Path) -> Path:
    for speaker in ("ana", "ben"):
        write(folder / speaker / "one.ogg", tone(0.7, len(speaker)), format="OGG")
        (folder / speaker / "one.txt").write_text("\ufeffHello there.\n", encoding="utf-8")
    write(folder / "ben" / "no text.wav", tone(0.7, 5))
    return folder


def lj(folder: Path) -> Path:
    waves = {"LJ001-0001": tone(0.6, 1, 22050), "LJ001-0002": tone(0.7, 2, 22050)}
    for name, wave in waves.items():
        write(folder / "wavs" / f"{name}.wav", wave, 22050)
    (folder / "metadata.csv").write_text(
        'LJ001-0001|He paid $5, "so"|He paid five dollars, "so"\nLJ001-0002|Only once.\n'
        "LJ001-0003|Its recording is lost.|Its recording is lost.\n"
    )
    return folder


TREES = {
    "ljspeech": (lj, 2, 1, 22050, 'He paid five dollars, "so"', ""),
    "vctk": (vctk, 3, 2, 24000, "Please call Stella, p225_001.", "f"),
    "libritts": (libritts, 2, 2, 24000, "Mister Brown came.", "f"),
    "common-voice": (common_voice, 2, 2, 24000, 'He said "no".', "f"),
    "folder": (plain, 2, 2, 24000, "Hello there.", ""),
}


@pytest.mark.parametrize("name", TREES)
def test_a_layout_is_recognized_and_packed(tmp_path: Path, name: str) -> None:
    build, count, speakers, rate, text, gender = TREES[name]
    folder = build(tmp_path / "corpus")
    assert find_layout(folder).name == name
    report = pack_corpus(folder, tmp_path / "packed")
    found = list(iterate_corpus(tmp_path / "packed"))
    assert len(found) == report["utterances"] == count
    assert len({u.speaker for u in found}) == report["speakers"] == speakers
    assert {u.sample_rate_hz for u in found} == {rate}
    assert found[0].text == text
    assert found[0].row.get("gender", "") == gender
    assert report["hours"] == pytest.approx(sum(u.row["seconds"] for u in found) / 3600, abs=1e-4)
    # What is packed is a layout too, and packs to itself.
    again = read_sources(tmp_path / "packed")
    assert [(s.id, s.text, s.gender) for s in again] == sorted(
        (u.id, u.text, u.row.get("gender", "")) for u in found
    )


def test_packing_keeps_the_samples(tmp_path: Path) -> None:
    wave = tone(0.6, 3)
    ljspeech(tmp_path / "lj", {"a": wave}, {"a": "Hello."})
    pack_corpus(tmp_path / "lj", tmp_path / "packed")
    (found,) = iterate_corpus(tmp_path / "packed")
    np.testing.assert_allclose(found.samples, wave, atol=2 / 32768)


def test_a_recording_is_cleaned_only_where_that_is_asked_for(tmp_path: Path) -> None:
    """Adaptation asks for it; what trains a voice keeps its lowest bands as they are."""
    wave = tone(0.6, 3)
    ljspeech(tmp_path / "lj", {"a": wave + np.float32(0.1)}, {"a": "Hello."})
    plan = pack_corpus(tmp_path / "lj", tmp_path / "as-it-is")["plan"]
    cleaned = pack_corpus(tmp_path / "lj", tmp_path / "clean", PackConfig(clean=True))["plan"]
    assert plan != cleaned
    (found,) = iterate_corpus(tmp_path / "as-it-is")
    assert float(found.samples.mean()) == pytest.approx(float(wave.mean()) + 0.1, abs=1e-3)
    (found,) = iterate_corpus(tmp_path / "clean")
    assert abs(float(found.samples.mean())) < 1e-3
    assert float(np.abs(found.samples - wave)[2400:-2400].max()) < 0.02


def test_the_first_microphone_is_taken(tmp_path: Path) -> None:
    sources = read_sources(vctk(tmp_path / "v"))
    assert all("_mic1" in s.audio.name for s in sources)
    assert [s.id for s in sources] == ["p225_001", "p225_002", "p226_001"]


def test_librispeech_chapters_are_read(tmp_path: Path) -> None:
    place = tmp_path / "dev-clean" / "84" / "121123"
    for number in range(2):
        write(place / f"84-121123-000{number}.flac", tone(0.5, number, 16000), 16000)
    (place / "84-121123.trans.txt").write_text(
        "84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS\n"
    )
    sources = read_sources(tmp_path)
    assert [s.text for s in sources] == ["GO DO YOU HEAR", "BUT IN LESS"]
    assert {s.speaker for s in sources} == {"84"}


def _hashes(folder: Path) -> dict[str, str]:
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.iterdir())
        if p.is_file()
    }


def test_packing_that_is_cut_off_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"u{i:02d}" for i in range(8)]
    waves = {n: tone(0.5, i) for i, n in enumerate(names)}
    folder = ljspeech(tmp_path / "lj", waves, dict.fromkeys(names, "Yes."))
    config = PackConfig(shard_mb=0.02)
    pack_corpus(folder, tmp_path / "whole", config)
    assert len(list((tmp_path / "whole").glob("shard-*.tar"))) > 2

    real, calls, stumbles = pack._pack, [], [True]

    def stumbling(source: object, settings: PackConfig) -> object:
        calls.append(source)
        if stumbles and len(calls) == 6:
            stumbles.clear()
            raise KeyboardInterrupt
        return real(source, settings)  # type: ignore[arg-type]

    monkeypatch.setattr(pack, "_pack", stumbling)
    with pytest.raises(KeyboardInterrupt):
        pack_corpus(folder, tmp_path / "parts", config)
    assert not (tmp_path / "parts" / "metadata.jsonl").exists()
    assert not list((tmp_path / "parts").glob("*.part"))
    pack_corpus(folder, tmp_path / "parts", config)
    assert len(calls) < 2 * len(names)  # what was done wasn't done again
    assert _hashes(tmp_path / "parts") == _hashes(tmp_path / "whole")
    calls.clear()
    pack_corpus(folder, tmp_path / "parts", config)
    assert not calls
    # Other settings pack anew.
    report = pack_corpus(folder, tmp_path / "parts", PackConfig(min_seconds=0.1))
    assert report["utterances"] == 8
    assert [p.name for p in (tmp_path / "parts").glob("shard-*.tar")] == ["shard-0.tar"]


def test_what_is_broken_is_left_out_and_named(tmp_path: Path) -> None:
    names = [f"u{i:02d}" for i in range(12)]
    texts = dict.fromkeys(names, "Yes.") | {"u03": "   "}
    waves = {n: tone(0.5, i) for i, n in enumerate(names)} | {"u05": tone(0.1, 5)}
    folder = ljspeech(tmp_path / "lj", waves, texts)
    (folder / "wavs" / "u07.wav").write_bytes(b"RIFF no wav at all")
    with soundfile.SoundFile(folder / "wavs" / "u08.wav", "w", RATE, 1) as file:
        file.write(tone(31.0, 8))
    report = pack_corpus(folder, tmp_path / "packed")
    reasons = {r["id"]: r["reason"] for r in report["left_out"]}
    assert reasons == {
        "u03": "no text", "u05": "too short", "u07": "unreadable", "u08": "too long"
    }  # fmt: skip
    assert report["utterances"] == 8
    for name in names[:3]:
        (folder / "wavs" / f"{name}.wav").write_bytes(b"nothing")
    with pytest.raises(CorpusError, match="the first is u00"):
        pack_corpus(folder, tmp_path / "other")
    assert not (tmp_path / "other" / "metadata.jsonl").exists()


def test_hostile_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'ljspeech'"):
        find_layout(tmp_path, "ljspech")
    with pytest.raises(CorpusError, match="no folder"):
        find_layout(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="any known layout"):
        find_layout(tmp_path)
    folder = lj(tmp_path / "lj")
    (folder / "metadata.csv").write_bytes(b"LJ001-0001|\xff\xfe bad\n")
    with pytest.raises(CorpusError, match="UTF-8"):
        read_sources(folder)
    (folder / "metadata.csv").write_text("LJ001-0001|a\nLJ001-0001|b\n")
    with pytest.raises(CorpusError, match="same id"):
        read_sources(folder)
    (folder / "metadata.csv").write_text("../../etc/passwd|a\n/etc/passwd|b\n")
    with pytest.raises(CorpusError, match="no recording"):
        read_sources(folder)
    (folder / "metadata.csv").write_text("just words\n")
    with pytest.raises(CorpusError, match="line 1"):
        read_sources(folder)


def test_a_packed_corpus_of_another_kind_is_not_overwritten(tmp_path: Path) -> None:
    folder = lj(tmp_path / "lj")
    pack_corpus(folder, tmp_path / "packed")
    (tmp_path / "packed" / "prepare.json").unlink()
    with pytest.raises(CorpusError, match="another corpus"):
        pack_corpus(folder, tmp_path / "packed")


def _cache(folder: Path, names: list[str], aligned: bool) -> Path:
    writer = CacheWriter(folder)
    for i, name in enumerate(names):
        wave = tone(0.5, i)
        phones = np.arange(1, 5) if aligned else None
        durations = np.full(4, 10) if aligned else None
        utterance = Utterance(name, "s", "", wave, RATE, {})
        writer.add(utterance, np.full(256, 0.1 * i, np.float32), phones, durations)
    writer.close()
    return folder


def test_joined_caches_hold_what_their_parts_held(tmp_path: Path) -> None:
    parts = [_cache(tmp_path / "a", ["u0", "u1"], True), _cache(tmp_path / "b", ["u2"], False)]
    parts.append(_cache(tmp_path / "c", ["u3"], True))
    assert merge_caches(parts, tmp_path / "all") == 4
    joined = FeatureCache(tmp_path / "all")
    mine = iter(joined.entries)
    for part in parts:
        cache = FeatureCache(part)
        for theirs in cache.entries:
            entry = next(mine)
            assert (entry.id, entry.n_frames) == (theirs.id, theirs.n_frames)
            np.testing.assert_array_equal(joined.mel(entry), cache.mel(theirs))
            np.testing.assert_array_equal(joined.audio(entry), cache.audio(theirs))
            np.testing.assert_array_equal(joined.durations(entry), cache.durations(theirs))
    shutil.rmtree(tmp_path / "c")
    _cache(tmp_path / "c", ["u1"], True)
    with pytest.raises(CorpusError, match="'u1' is in two caches"):
        merge_caches(parts, tmp_path / "twice")
    assert json.loads((tmp_path / "all" / "index.json").read_text())["entries"][3]["id"] == "u3"


def speechocean762(folder: Path) -> Path:
    ages = {"0001": 25, "0002": 8, "0003": 40}
    for part, speakers in (("train", ("0001", "0002")), ("test", ("0003", "0004"))):
        rows = [(f"0{s}{n:04d}", s) for s in speakers for n in (1, 2)]
        for name, speaker in rows:
            wave = tone(0.6, int(speaker), 16000)
            write(folder / f"WAVE/SPEAKER{speaker}/{name}.WAV", wave, 16000)
        tables = {
            "wav.scp": [f"{n}\tWAVE/SPEAKER{s}/{n}.WAV" for n, s in rows],
            "text": [f"{n}\tMARK IS GOING" for n, _ in rows],
            "utt2spk": [f"{n}\t{s}" for n, s in rows],
            "spk2age": [f"{s}\t{ages[s]}" for s in speakers if s in ages],
            "spk2gender": [f"{s} {'f' if s == '0001' else 'm'}" for s in speakers],
        }
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name, lines in tables.items():
            (folder / part / name).write_text("\n".join(lines) + "\n")
    return folder


def test_speechocean762_gives_its_adults_only(tmp_path: Path) -> None:
    folder = speechocean762(tmp_path / "speechocean762")
    assert find_layout(folder).name == "speechocean762"
    sources = read_sources(folder)
    assert [s.id for s in sources] == [
        "so_000010001", "so_000010002", "so_000030001", "so_000030002",
    ]  # fmt: skip
    first, last = sources[0], sources[-1]
    assert (first.speaker, first.gender, first.text) == ("so_0001", "f", "MARK IS GOING")
    assert (last.speaker, last.gender, last.row) == ("so_0003", "m", {"age": 40})
    scp = folder / "train/wav.scp"
    scp.write_text("000010001\t../../etc/passwd\n000010002\t/etc/passwd\n")
    assert {s.speaker for s in read_sources(folder)} == {"so_0003"}


def test_a_few_recordings_of_each_speaker_are_packed(tmp_path: Path) -> None:
    for speaker, count in (("ana", 5), ("ben", 1)):
        for n in range(count):
            write(tmp_path / f"in/{speaker}/{speaker}{n}.wav", tone(0.6, n))
            (tmp_path / f"in/{speaker}/{speaker}{n}.txt").write_text("hello")
    report = pack_corpus(tmp_path / "in", tmp_path / "out", PackConfig(most_per_speaker=3))
    rows = [json.loads(r) for r in (tmp_path / "out/metadata.jsonl").read_text().splitlines()]
    by = [r["id"][-4:] for r in rows]
    assert by == ["ana0", "ana2", "ana4", "ben0"] and report["speakers"] == 2
    everything = pack_corpus(tmp_path / "in", tmp_path / "all", PackConfig())
    assert everything["utterances"] == 6 and everything["plan"] != report["plan"]
    with pytest.raises(ConfigError, match="negative"):
        PackConfig(most_per_speaker=-1)
