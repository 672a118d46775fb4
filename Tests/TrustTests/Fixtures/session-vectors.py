#!/usr/bin/env python3
"""The data plane's protocol once more, after docs/protocol-session.md alone: it makes session-vectors.json.

usage: session-vectors.py > session-vectors.json     (needs python3-cryptography)
"""
import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

AES, CHACHA = 1, 2
DATAGRAMS, STREAM = 0, 1


def hkdf(secret, salt, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def mac(key, data, length=16):
    return hmac.new(key, data, hashlib.sha256).digest()[:length]


def marked(*names):
    return b"".join(bytes([len(name)]) + name.encode() for name in names)


def pair_key(master, one, other, day):
    info = marked(*sorted([one, other])) + struct.pack(">I", day)
    return hkdf(master, b"skerry pair v1", info, 32)


def first_keys(key, speaker, listener):
    """The name of the key, and the MAC keys from the speaker and to it."""
    derived = hkdf(key, b"skerry first v1", marked(*sorted([speaker, listener])), 72)
    up, down = derived[8:40], derived[40:72]
    return (derived[:8], up, down) if speaker < listener else (derived[:8], down, up)


def public(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def frame(suite, key, epoch, receiver, counter, body):
    header = struct.pack(">BBHIQ", 1, 3, epoch, receiver, counter)
    cipher = (AESGCM if suite == AES else ChaCha20Poly1305)(key)
    return header + cipher.encrypt(header[4:], body, header)


def batch(messages):
    return b"".join(struct.pack(">H", len(message)) + message for message in messages)


def case(what, offered, suite, carriage, key_day, day, seed):
    initiator, responder = "urban-1", "rural-7"
    master = bytes(range(32))
    key = pair_key(master, initiator, responder, key_day)
    name, forth_mac, back_mac = first_keys(key, initiator, responder)
    near, far = bytes([seed] * 32), bytes([seed + 1] * 32)
    near_id, far_id = 0x01020304 + seed, 0xF1F2F3F4 + seed
    sent_at = day * 86_400_000 + 12_345_678

    first = struct.pack(">BBBBI", 1, 1, offered, carriage, near_id) + name
    first += struct.pack(">IQ", day, sent_at) + public(near)
    first += mac(forth_mac, first)

    second = struct.pack(">BBBBII", 1, 2, suite, carriage, near_id, far_id) + public(far)
    second += mac(back_mac, second, 8)
    shared = X25519PrivateKey.from_private_bytes(near).exchange(
        X25519PublicKey.from_public_bytes(public(far)))
    transcript = hashlib.sha256(
        b"skerry session v1" + marked(initiator, responder) + first + second).digest()
    derived = hkdf(shared, key, transcript, 96)
    second += mac(derived[:32], second)

    forth = [[b"first", b"", bytes(range(200))], [], [b"last"]]
    back = [[b"answer"], [b"x" * 1000]]
    epoch = day & 0xFFFF
    return {
        "what": what, "initiator": initiator, "responder": responder, "master": master.hex(),
        "keyDay": key_day, "key": key.hex(), "keyName": name.hex(), "day": day,
        "offered": offered, "suite": suite, "carriage": carriage, "sentAt": sent_at,
        "nearSecret": near.hex(), "farSecret": far.hex(), "nearID": near_id, "farID": far_id,
        "first": first.hex(), "second": second.hex(),
        "madeKey": hkdf(derived[:32], b"skerry ratchet v1", transcript, 32).hex() if key_day != day else None,
        "forth": [[message.hex() for message in messages] for messages in forth],
        "forthFrames": [
            frame(suite, derived[32:64], epoch, far_id, count, batch(messages)).hex()
            for count, messages in enumerate(forth)],
        "back": [[message.hex() for message in messages] for messages in back],
        "backFrames": [
            frame(suite, derived[64:96], epoch, near_id, count, batch(messages)).hex()
            for count, messages in enumerate(back)],
    }


print(json.dumps([
    case("datagrams with AES-256-GCM", AES | CHACHA, AES, DATAGRAMS, 20_780, 20_780, 3),
    case("a stream with ChaCha20-Poly1305", CHACHA, CHACHA, STREAM, 20_781, 20_781, 5),
    case("a key made for a later day", AES | CHACHA, CHACHA, DATAGRAMS, 20_780, 20_790, 7),
], indent=1))
